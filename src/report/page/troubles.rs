//! What each fault did with each balancer, in words.

use super::Side;
use crate::report::faults;
use crate::report::figure::words::name;
use crate::report::neutral::html;
use crate::report::style::Style;

pub(super) fn section(sides: &[Side<'_>]) -> String {
    let mut text = String::new();
    for side in sides {
        for cast in &side.casts {
            let told = faults::told(side.shown.summary, cast.variant);
            if told.is_empty() {
                continue;
            }
            text += &super::part(side, cast.variant);
            for (number, fault) in told.iter().enumerate() {
                let line = |line: &faults::Line<'_>| {
                    let series = cast
                        .roles
                        .iter()
                        .find(|role| role.result.balancer == line.balancer)
                        .map(|role| format!(" data-series=\"{}\"", role.series));
                    let class = if line.style == Style::Alarm { " class=\"alarm\"" } else { "" };
                    format!(
                        "<li{}{class}><b>{}</b>: {}</li>\n",
                        series.unwrap_or_default(),
                        html(&name(line.balancer)),
                        html(&line.parts.join(", "))
                    )
                };
                let lines: String = fault.lines.iter().map(line).collect();
                text += &format!(
                    "<h4>{} {} <small>({})</small></h4>\n<ul class=\"did\">\n{lines}</ul>\n",
                    number + 1,
                    html(&name(fault.name)),
                    html(fault.kind)
                );
            }
        }
    }
    if text.is_empty() {
        text
    } else {
        super::section("faults", "What each fault did", &text.replace("<h4>", "<h3>").replace("</h4>", "</h3>"))
    }
}
