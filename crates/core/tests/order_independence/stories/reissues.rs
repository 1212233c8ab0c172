//! Several proposals: the link of a successful 5 reaches the other proposal at any time after it.

use crate::exploration::Story;
use crate::notices::{A, B, C, cancelled, insured, issued, paid, policy, reissued};

pub fn a_proposal_is_reissued() -> Story {
    Story {
        notices: vec![
            insured(A),
            paid(A, 200, 1, "10:00:00"),
            issued(A, [policy("P1", "施一,张二")]),
            reissued(A, B).with("cancelMsg", "改单"),
            // The new proposal has no insured notice, and the cancelled proposal "pays" for it.
            paid(B, 200, -3, "12:00:00"),
            issued(B, [policy("P2", "施一,张二")]),
        ],
        rows: "
            A proposal partner=7 status=reissued to=B
            A payment success fen=200 gateway=1 at=2026-03-01T10:00:00 new_money
            A policy P1 cancelled
            A person P1 施一
            A person P1 张二
            A cancellation 5 success new=B msg=改单
            B proposal partner=7 status=issued from=A
            B payment success fen=200 gateway=-3 at=2026-03-01T12:00:00
            B policy P2
            B person P2 施一
            B person P2 张二
        ",
    }
}

pub fn a_reissue_of_some_fails_then_succeeds() -> Story {
    Story {
        notices: vec![
            issued(A, [policy("P1", "孔一,曹二")]),
            reissued(A, B)
                .with("cancelInsurants", ["曹二"])
                .failed("系统繁忙"),
            reissued(A, B).with("cancelInsurants", ["曹二"]),
            issued(B, [policy("P2", "曹二")]),
            cancelled(B),
        ],
        rows: "
            A proposal partner=7 status=reissued to=B
            A policy P1 cancelled
            A person P1 孔一
            A person P1 曹二 cancelled
            A cancellation 5 insurants=[\"曹二\"] new=B fail=系统繁忙
            A cancellation 5 success insurants=[\"曹二\"] new=B
            B proposal partner=7 status=cancelled from=A
            B policy P2 cancelled
            B person P2 曹二
            B cancellation 4 success
        ",
    }
}

pub fn a_reissue_is_reissued() -> Story {
    Story {
        notices: vec![
            insured(A).with("partnerUniqueKey", "user-2"),
            paid(A, 5, 1, "10:00:00").with("partnerUniqueKey", "user-3"),
            issued(A, [policy("P1", "严一")]),
            reissued(A, B),
            issued(B, [policy("P2", "严一")]).with("partnerUniqueKey", "user-1"),
            reissued(B, C).with("partnerUniqueKey", "user-0"),
        ],
        rows: "
            A proposal partner=7 status=reissued key=user-2 to=B
            A payment success fen=5 gateway=1 at=2026-03-01T10:00:00 new_money
            A policy P1 cancelled
            A person P1 严一
            A cancellation 5 success new=B
            B proposal partner=7 status=reissued key=user-1 from=A to=C
            B policy P2 cancelled
            B person P2 严一
            B cancellation 5 success new=C
            C proposal partner=7 from=B
        ",
    }
}

pub fn the_greatest_of_several_links_is_shown() -> Story {
    Story {
        notices: vec![
            reissued(A, B),
            reissued(A, C),
            reissued(B, C),
            paid(C, 9, -12, "13:00:00"),
        ],
        rows: "
            A proposal partner=7 status=reissued to=C
            A cancellation 5 success new=B
            A cancellation 5 success new=C
            B proposal partner=7 status=reissued from=A to=C
            B cancellation 5 success new=C
            C proposal partner=7 status=paid from=B
            C payment success fen=9 gateway=-12 at=2026-03-01T13:00:00
        ",
    }
}

pub fn two_proposals_replace_each_other() -> Story {
    Story {
        notices: vec![
            issued(A, [policy("P1", "华一")]),
            reissued(A, B),
            issued(B, [policy("P2", "金二")]),
            reissued(B, A).with("cancelMsg", "改回"),
        ],
        rows: "
            A proposal partner=7 status=reissued from=B to=B
            A policy P1 cancelled
            A person P1 华一
            A cancellation 5 success new=B
            B proposal partner=7 status=reissued from=A to=A
            B policy P2 cancelled
            B person P2 金二
            B cancellation 5 success new=A msg=改回
        ",
    }
}

pub fn a_link_of_another_partner_stands_in_for_nothing() -> Story {
    Story {
        notices: vec![
            issued(A, [policy("P1", "魏一")]),
            reissued(A, B),
            insured(B).of_partner(8),
            paid(B, 300, 3, "14:00:00").of_partner(8),
            issued(B, [policy("P2", "陶二")]).of_partner(8),
        ],
        rows: "
            A proposal partner=7 status=reissued to=B
            A policy P1 cancelled
            A person P1 魏一
            A cancellation 5 success new=B
            B proposal partner=8 status=issued
            B payment success fen=300 gateway=3 at=2026-03-01T14:00:00 new_money
            B policy P2
            B person P2 陶二
        ",
    }
}

pub fn cancelled_in_full_and_reissued_without_a_follow_up() -> Story {
    Story {
        notices: vec![
            insured(A),
            issued(A, [policy("P1", "姜一")]),
            cancelled(A),
            reissued(A, B),
        ],
        rows: "
            A proposal partner=7 status=reissued to=B
            A policy P1 cancelled
            A person P1 姜一
            A cancellation 4 success
            A cancellation 5 success new=B
            B proposal partner=7 from=A
        ",
    }
}
