//! Addresses, tried in turn without a long wait for one that does not answer.

use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

use crate::broker::ConnectError;

/// After this time without an answer, the next address is tried concurrently.
const SLOW: Duration = Duration::from_secs(1);

/// The first success of attempts at these addresses, beginning with number `start`, and the number of its address. A refusal
/// leads to the next address at once, slowness soon; the first success wins, and the other attempts are dropped.
///
/// # Errors
/// When every address has failed.
pub(crate) async fn first_success<T, F>(
    addresses: &[String],
    start: usize,
    attempt: impl Fn(usize) -> F,
) -> Result<(usize, T), ConnectError>
where
    F: Future<Output = Result<T, ConnectError>>,
{
    let count = addresses.len();
    let mut waiting = (0..count).map(|i| (start + i) % count).peekable();
    let mut running = FuturesUnordered::new();
    let mut failures = Vec::new();
    loop {
        if let Some(number) = waiting.next() {
            let attempt = attempt(number);
            running.push(async move { (number, attempt.await) });
        }
        tokio::select! {
            Some((number, outcome)) = running.next() => match outcome {
                Ok(success) => return Ok((number, success)),
                Err(error) => failures.push((number, error)),
            },
            () = tokio::time::sleep(SLOW), if waiting.peek().is_some() => {}
            else => return Err(one_or_all(addresses, failures)),
        }
    }
}

/// In the order of the addresses, not of the failures, so that the same fault gives the same text.
fn one_or_all(addresses: &[String], mut failures: Vec<(usize, ConnectError)>) -> ConnectError {
    failures.sort_by_key(|(number, _)| *number);
    match failures.len() {
        1 => failures.remove(0).1,
        _ => {
            let named = |(number, error): (usize, _)| (addresses[number].clone(), error);
            ConnectError::Every(failures.into_iter().map(named).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    fn addresses() -> Vec<String> {
        ["a", "b", "c"].map(str::to_owned).to_vec()
    }

    fn refused() -> ConnectError {
        ConnectError::Address("refused".to_owned())
    }

    #[tokio::test]
    async fn a_refusal_leads_to_the_next_at_once_and_round_the_end() {
        let begun = Instant::now();
        let only_b = |number| async move { if number == 1 { Ok("in") } else { Err(refused()) } };
        let (number, success) = first_success(&addresses(), 2, only_b).await.expect("b answers");
        assert_eq!((number, success), (1, "in"));
        assert!(begun.elapsed() < SLOW / 2, "{:?}", begun.elapsed());
    }

    #[tokio::test]
    async fn a_silent_address_is_not_waited_for_and_a_slow_one_may_still_win() {
        let begun = Instant::now();
        let slow = |number: usize| async move {
            let takes = [3_600_000, 1_400, 600_000][number];
            tokio::time::sleep(Duration::from_millis(takes)).await;
            Ok(())
        };
        let (number, ()) = first_success(&addresses(), 0, slow).await.expect("b answers");
        let took = begun.elapsed();
        // It was asked after a second, and outlived the third being asked beside it.
        assert_eq!(number, 1);
        assert!((2_390..3_400).contains(&took.as_millis()), "{took:?}");
    }

    #[tokio::test]
    async fn when_all_fail_each_is_named_in_the_order_of_the_addresses() {
        let never = |_| async { Err::<(), _>(refused()) };
        let error = first_success(&addresses(), 1, never)
            .await
            .expect_err("none answers");
        let each = ["a", "b", "c"]
            .map(|name| format!("{name}: {}", refused()))
            .join("; ");
        assert_eq!(error.to_string(), each);
        let single = first_success(&addresses()[..1], 0, never)
            .await
            .expect_err("refused");
        assert_eq!(single.to_string(), refused().to_string());
    }
}
