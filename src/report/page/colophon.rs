//! How to make it again, and what the model leaves out.

use super::{Shown, Side};
use crate::report::figure::words::name;
use crate::report::neutral::{html, plain};

/// What stands between a result and the reader's own system.
const LEFT_OUT: &str = "This is a simulation. Backends serve work at the speeds the scenario gives them: there are no garbage collectors, no shared processors, caches or disks, no packets and \
    no congestion of the network beyond what the scenario says. Balancers decide in no time and without errors of their own. Which balancer is better usually carries over to a real system; \
    how many milliseconds does not, unless work and traffic were measured there.";

pub(super) fn section(sides: &[Side<'_>], reproduce: &str) -> String {
    let mut text = format!("<p>{LEFT_OUT}</p>\n");
    text = super::section("limits", "What the model leaves out", &text);
    text + super::section("reproduce", "Make it again", &again(sides, reproduce)).as_str()
}

fn again(sides: &[Side<'_>], reproduce: &str) -> String {
    let command: String = plain(reproduce).chars().take(4000).collect();
    let mut text = format!(
        "<p>The same version, scenario and seed give the same bytes on every machine.</p>\n<div class=\"command\"><pre tabindex=\"0\" role=\"group\" aria-label=\"Command\"><code id=\"command\">{}</code></pre>\
         <button type=\"button\" id=\"copy\" hidden>copy</button></div>\n",
        html(&command)
    );
    for side in sides {
        let run = &side.shown.summary.scenario;
        let tool = &side.shown.summary.tool;
        let facts = [
            ("version", format!("{} {}", name(&tool.name), name(&tool.version))),
            ("seed", run.seed.to_string()),
            ("replications", run.replications.to_string()),
            ("requests per replication", run.requests.map_or_else(|| "as many as come".into(), |requests| requests.to_string())),
            ("warm-up", name(&run.warmup)),
            ("scenario, SHA-256", name_of_hash(&run.file_sha256)),
            ("plan, SHA-256", name_of_hash(&run.plan_sha256)),
        ];
        let facts: String =
            facts.iter().map(|(name, fact)| format!("<div><dt>{name}</dt><dd class=\"code\">{}</dd></div>\n", html(fact))).collect();
        text += &format!("{}<dl class=\"facts\">\n{facts}</dl>\n", super::part(side, None));
    }
    text
}

fn name_of_hash(hash: &str) -> String {
    crate::report::neutral::fitted(&hash.chars().take(100).collect::<String>(), 64)
}

pub(super) fn footer(shown: &[Shown<'_>]) -> String {
    let tool = shown.first().map(|one| format!(" {}", html(&name(&one.summary.tool.version)))).unwrap_or_default();
    format!("<footer class=\"end\"><p>Drawn by evenkeel{tool}. The file is whole: it loads nothing and sends nothing.</p></footer>\n")
}
