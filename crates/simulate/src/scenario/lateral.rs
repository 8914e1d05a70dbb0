//! The domain controller the intruder of the full chain moves to.

use super::Script;
use super::hands_on::CMD;
use crate::machine::{Channel, Log};
use crate::windows::Logon;

const REMOTE_SERVICE: &str = r"%SystemRoot%\PSEXESVC.exe";
const NTDSUTIL: &str = r"C:\Windows\System32\ntdsutil.exe";
const COMMAND: &str = r#"ntdsutil "ac i ntds" "ifm" "create full c:\windows\temp\n" q q"#;

pub(super) fn arrival(script: &mut Script, day: i64) {
    script.at(day, (4, 10, 5), |m, t| {
        // The mail server's address in the tenant's network.
        let subnet = m
            .host
            .address
            .rsplit_once('.')
            .map_or("", |(subnet, _)| subnet)
            .to_owned();
        let from = format!("{subnet}.21");
        let (user, domain, sid) = (m.host.administrator(), m.host.domain.clone(), m.host.sid(500));
        let logon = Logon {
            user,
            domain: &domain,
            sid,
            logon_type: 3,
            package: "NTLM",
            workstation: "EX01",
            address: &from,
            privileged: false,
        };
        m.logon(t, &logon)?;
        m.truth.attacker_addresses.push(from.clone());
        m.step(
            "lateral_movement",
            t,
            Log::Event(Channel::Security),
            &from,
            "the administrator logs on from the mail server, over the network",
        );
        m.service_installed(t, "PSEXESVC", REMOTE_SERVICE)?;
        m.step(
            "lateral_movement",
            t,
            Log::Event(Channel::System),
            "PSEXESVC",
            "the service of a remote command tool is installed",
        );
        Ok(())
    });
    script.at(day, (4, 10, 7), |m, t| {
        let services = m.running(r"C:\Windows\System32\services.exe", "services.exe");
        let service = m.start(
            t,
            &services,
            r"C:\Windows\PSEXESVC.exe",
            r"C:\Windows\PSEXESVC.exe",
        )?;
        m.step(
            "lateral_movement",
            t,
            Log::Event(Channel::Sysmon),
            "PSEXESVC.exe",
            "the service runs",
        );
        m.start(t, &service, CMD, "cmd.exe")?;
        Ok(())
    });
    script.at(day, (4, 12, 44), |m, t| {
        let shell = m.running(CMD, "cmd.exe");
        m.start(t, &shell, NTDSUTIL, COMMAND)?;
        m.step(
            "credential_access",
            t,
            Log::Event(Channel::Sysmon),
            "create full",
            "the directory with all passwords is copied",
        );
        m.step(
            "credential_access",
            t,
            Log::Event(Channel::Security),
            "create full",
            "the same command in the security log",
        );
        Ok(())
    });
    script.at(day, (4, 13, 20), |m, t| {
        let path = r"C:\windows\temp\n\Active Directory\ntds.dit";
        m.database_created(t, path)?;
        m.step(
            "credential_access",
            t,
            Log::Event(Channel::Application),
            "ntds.dit",
            "the database engine notes the copy",
        );
        let process = m.running(NTDSUTIL, COMMAND);
        m.file_created(t, &process, path)?;
        m.step(
            "credential_access",
            t,
            Log::Event(Channel::Sysmon),
            "ntds.dit",
            "the copy is written",
        );
        Ok(())
    });
}
