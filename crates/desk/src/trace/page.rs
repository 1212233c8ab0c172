//! The story as a page of text.

use super::{notices, tables};
use crate::dead::lines;
use crate::letter::Letter;
use crate::operation::LoggedOperation;
use crate::operations::table;
use crate::screen::{pad, plain};
use crate::story::{Standing, Story};
use crate::words::{Flags, Label, Words};

/// The column where values begin in the head of the page.
const LABEL_WIDTH: usize = 14;

pub fn of(story: &Story<'_>, words: &dyn Words) -> String {
    let mut page = Page {
        out: String::new(),
        words,
    };
    page.head(story);
    page.applied(story);
    page.held(story);
    page.pruned(story);
    page.section(
        Label::NotComeYet,
        story
            .not_come_yet
            .iter()
            .map(|missing| words.missing(missing))
            .collect(),
    );
    page.ignored(story);
    page.dead_letters(&story.dead_letters);
    page.operations(&story.operations);
    let disagreements = story.disagreements.iter().map(|found| words.disagreement(found));
    page.section(Label::Disagreements, disagreements.collect());
    page.unmatched(story);
    page.reissues(story);
    page.section(Label::Rows, tables::of(story, words));
    let possible = story
        .possible
        .iter()
        .map(|possibility| words.possible(*possibility).to_owned());
    page.section(Label::Possible, possible.collect());
    page.out
}

struct Page<'w> {
    out: String,
    words: &'w dyn Words,
}

impl Page<'_> {
    fn line(&mut self, indent: usize, text: &str) {
        self.out.push_str(&" ".repeat(indent));
        self.out.push_str(text.trim_end());
        self.out.push('\n');
    }

    fn title(&mut self, label: Label) {
        let title = self.words.label(label);
        self.line(0, "");
        self.line(0, title);
    }

    fn section(&mut self, label: Label, lines: Vec<String>) {
        if lines.is_empty() {
            return;
        }
        self.title(label);
        for line in lines {
            self.line(2, &line);
        }
    }

    fn head(&mut self, story: &Story<'_>) {
        let words = self.words;
        let number = plain(story.insure_num.as_str());
        let head = format!(
            "{} {number}   {}",
            words.label(Label::Proposal),
            words.standing(story.standing)
        );
        self.line(0, &head);
        let flags = words.flags(flags(story));
        if !flags.is_empty() {
            self.line(2, &words.clauses(&flags));
        }
        self.line(2, words.times_are_beijing());
        self.line(0, "");
        let row = story.proposal.as_ref();
        let partner = story.partner_id.map(|partner| partner.to_string());
        self.value(Label::Partner, partner.as_deref());
        self.value(Label::User, row.and_then(|row| row.partner_unique_key.as_deref()));
        self.value(Label::CaseCode, row.and_then(|row| row.case_code.as_deref()));
    }

    fn value(&mut self, label: Label, value: Option<&str>) {
        if let Some(value) = value {
            let label = pad(self.words.label(label), LABEL_WIDTH);
            self.line(0, &format!("{label}{}", plain(value)));
        }
    }

    fn applied(&mut self, story: &Story<'_>) {
        if story.applied.is_empty() {
            return;
        }
        self.title(Label::Applied);
        for chapter in &story.applied {
            let seq = chapter.seq.unwrap_or_default();
            let lines = notices::applied(chapter, self.words);
            self.item(&format!("{seq:>3}"), &lines);
        }
    }

    fn held(&mut self, story: &Story<'_>) {
        if story.held.is_empty() {
            return;
        }
        self.title(Label::Held);
        for chapter in &story.held {
            let lines = notices::held(chapter, story.now, self.words);
            self.item("  …", &lines);
        }
        let hint = self.words.release_hint(story.insure_num.as_str());
        self.line(2, &hint);
    }

    fn pruned(&mut self, story: &Story<'_>) {
        if story.pruned.is_empty() {
            return;
        }
        self.title(Label::Pruned);
        for emptied in &story.pruned {
            self.item(
                &format!("{:>3}", emptied.seq),
                &notices::emptied(emptied, self.words),
            );
        }
    }

    fn ignored(&mut self, story: &Story<'_>) {
        if story.ignored.is_empty() {
            return;
        }
        self.title(Label::Ignored);
        for ignored in &story.ignored {
            let lines = notices::ignored(ignored, self.words);
            self.item("  -", &lines);
        }
    }

    /// A mark, with lines beside it.
    fn item(&mut self, mark: &str, lines: &[String]) {
        for (index, line) in lines.iter().enumerate() {
            let mark = if index == 0 { mark } else { "   " };
            self.line(0, &format!("{mark}  {line}"));
        }
    }

    fn dead_letters(&mut self, letters: &[Letter]) {
        if letters.is_empty() {
            return;
        }
        self.title(Label::DeadLetters);
        for letter in letters {
            self.line(2, &lines::headline(letter, self.words));
            let cause = lines::cause(letter, self.words);
            self.line(5, &cause);
            if letter.is_open() {
                let repair = lines::repair(letter, self.words);
                self.line(5, &repair);
                self.line(5, &format!("xiebao dead show {}", letter.id));
            }
        }
    }

    fn operations(&mut self, operations: &[LoggedOperation]) {
        let table = table(0, operations, self.words);
        self.section(Label::Operations, table.lines().map(str::to_owned).collect());
    }

    fn unmatched(&mut self, story: &Story<'_>) {
        let words = self.words;
        let line = |names: &Vec<String>| {
            let names: Vec<String> = names.iter().map(|name| plain(name)).collect();
            words.unmatched(&words.list(&names))
        };
        self.section(
            Label::Unmatched,
            story.unmatched_persons.iter().map(line).collect(),
        );
    }

    fn reissues(&mut self, story: &Story<'_>) {
        let (words, family) = (self.words, &story.reissues);
        let mut lines = Vec::new();
        for link in &family.links {
            let member = |member| notices::member(member, story.insure_num, words);
            lines.push(format!("{} → {}", member(&link.from), member(&link.to)));
        }
        if family
            .links
            .iter()
            .any(|link| link.to.insure_num == *story.insure_num)
        {
            lines.push(words.stands_in().to_owned());
        }
        if family.goes_round {
            lines.push(words.goes_round().to_owned());
        }
        if family.cut {
            lines.push(words.more_reissues().to_owned());
        }
        lines.extend(
            family
                .not_believed
                .iter()
                .map(|number| words.not_believed(number.as_str())),
        );
        let others = family
            .links
            .iter()
            .flat_map(|link| [&link.from.insure_num, &link.to.insure_num]);
        let mut others: Vec<_> = others.filter(|number| *number != story.insure_num).collect();
        others.sort();
        others.dedup();
        lines.extend(
            others
                .iter()
                .map(|number| format!("xiebao trace {}", plain(number.as_str()))),
        );
        self.section(Label::Reissues, lines);
    }
}

fn flags(story: &Story<'_>) -> Flags {
    let row = story.proposal.as_ref();
    Flags {
        abnormal: row.is_some_and(|row| row.abnormal),
        e_policy_ready: row.is_some_and(|row| row.e_policy_ready),
        // The standing already says that all notices wait.
        held: if story.standing == Standing::OnlyHeld {
            0
        } else {
            story.held.len()
        },
        open_dead_letters: story
            .dead_letters
            .iter()
            .filter(|letter| letter.is_open())
            .count(),
    }
}
