use super::Validator;
use crate::Vesting;

impl Validator<'_> {
    pub(super) fn competition(&mut self) {
        let competition = &self.rules.competition;
        if competition.start >= competition.end {
            let reason = format_args!("{} is not after the start, {}", competition.end, competition.start);
            self.problem("competition.end", reason);
        }
        for (name, ids) in [("regions", &competition.regions), ("tracks", &competition.tracks)] {
            let place = |(index, id)| (id, format!("competition.{name}[{index}]"));
            self.unique(ids.iter().enumerate().map(place));
        }
    }

    pub(super) fn version(&mut self) {
        let version = &self.rules.version;
        let start = self.rules.competition.start;
        match (version.number, &version.supersedes) {
            (0, _) => self.problem("version.number", "versions count from 1"),
            (1, Some(_)) => self.problem("version.supersedes", "the first version supersedes nothing"),
            (1, None) if version.from > start => {
                let reason =
                    format_args!("{} is after the start, {start}: no rules would hold before", version.from);
                self.problem("version.from", reason);
            }
            (2.., None) => {
                self.problem(
                    "version.supersedes",
                    "it is missing: only the first version supersedes nothing",
                );
            }
            _ => {}
        }
    }

    pub(super) fn series(&mut self) {
        let series = &self.rules.series;
        for (index, series) in series.iter().enumerate().filter(|(_, series)| series.name.spec().is_some()) {
            let reason = format_args!("{} is a series of the platform, and not to be declared", series.name);
            self.problem(format_args!("series[{index}].name"), reason);
        }
        self.unique(series.iter().enumerate().map(|(index, s)| (&s.name, format!("series[{index}].name"))));
    }

    pub(super) fn entities(&mut self) {
        let end = self.rules.competition.end;
        if let Some(deadline) = self.rules.entities.deadline.filter(|deadline| *deadline > end) {
            self.problem("entities.deadline", format_args!("{deadline} is after the end, {end}"));
        }
    }

    pub(super) fn vesting(&mut self) {
        if let Vesting::Linear { epochs } = self.rules.vesting {
            self.above_zero("vesting.epochs", epochs);
        }
    }
}
