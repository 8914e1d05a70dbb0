//! What happens once a day at its hour.

use vigie_event::{MICROS_PER_DAY, Timestamp};

use super::HOUR;
use crate::exchange::Cmdlet;
use crate::machine::{EXCHANGE_DIR, Machine};
use crate::plan::SimulateError;
use crate::windows::Managed;

impl Machine {
    /// What is due at the start of this hour.
    pub(crate) fn daily(&mut self, hour: Timestamp, mail_server: bool) -> Result<(), SimulateError> {
        let day = hour.div_euclid(MICROS_PER_DAY);
        match hour.rem_euclid(MICROS_PER_DAY) / HOUR {
            1 => self.malware_scan_done(hour),
            2 if mail_server => self.control_panel_probe(hour),
            3 if mail_server => self.address_book_run(hour, day % 9 == 4),
            4 | 16 if mail_server => self.remote_powershell_probe(hour),
            5 => self.application_note(hour),
            6 | 18 => self.ordinary_process(hour),
            7 => self.service_state(hour, "Windows Update", "running"),
            8 | 20 => self.ordinary_logon(hour),
            9 if mail_server && day % 2 == 0 => self.administrator_at_work(hour, day),
            14 if mail_server => self.control_panel_probe(hour),
            _ => Ok(()),
        }
    }

    /// The monitoring mailbox opens its inbox rules in the control panel.
    fn control_panel_probe(&mut self, time: Timestamp) -> Result<(), SimulateError> {
        let url = format!(
            "/ecp/RulesEditor/InboxRules.svc/GetList?msExchEcpCanary={:016x}.",
            self.rng.next()
        );
        self.ecp_command(time, "Get-InboxRule", &url)
    }

    fn address_book_run(&mut self, time: Timestamp, failed: bool) -> Result<(), SimulateError> {
        self.oab_line(time, "OAB generation started for 'Default Offline Address Book'")?;
        if failed {
            // A download that fails into Exchange's own folder is normal.
            let path = format!(
                r"{EXCHANGE_DIR}\ClientAccess\OAB\Temp\{:08x}.tmp",
                self.rng.below(1 << 32)
            );
            self.oab_download_failed(time, &path)?;
        }
        self.oab_line(
            time,
            "OAB generation finished for 'Default Offline Address Book', 312 entries",
        )
    }

    fn remote_powershell_probe(&mut self, time: Timestamp) -> Result<(), SimulateError> {
        let user = self.host.health_mailbox.clone();
        let cmdlet = Cmdlet {
            user: &user,
            sid: self.host.sid(1_142),
            application: "ActiveMonitor",
            name: "Get-Mailbox",
            parameters: r#"-ResultSize "1""#,
        };
        self.remote_cmdlet(time, &cmdlet)
    }

    /// An administrator looks after mailboxes.
    fn administrator_at_work(&mut self, time: Timestamp, day: i64) -> Result<(), SimulateError> {
        let user = self.rng.pick(&self.host.users).name.clone();
        let (name, parameters) = match day % 5 {
            0 => (
                "Set-Mailbox",
                format!(r#"-Identity "{user}" -IssueWarningQuota "1.9 GB (2,040,109,466 bytes)""#),
            ),
            1 => (
                "Set-User",
                format!(r#"-Identity "{user}" -Phone "+33 1 00 00 00 00""#),
            ),
            2 => (
                "New-DistributionGroup",
                format!(r#"-Name "Equipe {user}" -Members "{user}""#),
            ),
            3 => (
                "Set-MailboxAutoReplyConfiguration",
                format!(r#"-Identity "{user}" -AutoReplyState "Enabled""#),
            ),
            _ => (
                "Set-CalendarProcessing",
                format!(r#"-Identity "{user}" -AutomateProcessing "AutoAccept""#),
            ),
        };
        let administrator = format!("{}\\{}", self.host.domain, self.host.administrator());
        let sid = self.host.sid(500);
        let cmdlet = Cmdlet {
            user: &administrator,
            sid,
            application: "",
            name,
            parameters: &parameters,
        };
        self.remote_cmdlet(time, &cmdlet)?;
        let directory = format!("{}/Users/{}", self.host.dns_domain, self.host.administrator());
        let managed = Managed {
            cmdlet: name,
            parameters: &parameters,
            user: &directory,
            sid,
            origin: "Remote-ManagementShell-Unknown",
            process: "w3wp#MSExchangePowerShellAppPool",
        };
        self.management(time, &managed)
    }
}
