//! What Windows, Sysmon, Defender and Exchange write to the event logs.

mod kinds;
mod process;

use vigie_event::Timestamp;

use crate::evtx::{Data, Event, Guid, Kind, Sid, Value};
use crate::machine::{Channel, Machine};
use crate::plan::SimulateError;

pub(crate) use process::Process;

/// A log-on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Logon<'a> {
    pub(crate) user: &'a str,
    pub(crate) domain: &'a str,
    pub(crate) sid: Sid,
    /// 3 network, 5 service, 10 remote desktop.
    pub(crate) logon_type: u32,
    pub(crate) package: &'a str,
    pub(crate) workstation: &'a str,
    pub(crate) address: &'a str,
    /// Whether administrator privileges were assigned.
    pub(crate) privileged: bool,
}

/// A cmdlet as the `MSExchange Management` log records it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Managed<'a> {
    pub(crate) cmdlet: &'a str,
    pub(crate) parameters: &'a str,
    /// `durand.example/Users/Administrator`.
    pub(crate) user: &'a str,
    pub(crate) sid: Sid,
    /// `ServerRemoteHost-EMC`, `Remote-ManagementShell-Unknown`...
    pub(crate) origin: &'a str,
    /// `w3wp#MSExchangeECPAppPool`.
    pub(crate) process: &'a str,
}

impl Machine {
    pub(crate) fn write_event(
        &mut self,
        channel: Channel,
        time: Timestamp,
        kind: &Kind,
        user: Option<Sid>,
        data: Data<'_>,
    ) -> Result<(), SimulateError> {
        let process_id = match channel {
            Channel::Security => 640,
            Channel::Sysmon => 2_884,
            Channel::System => 624,
            _ => 0,
        };
        let thread_id = if process_id == 0 {
            0
        } else {
            3_000 + self.rng.below(900) as u32 * 4
        };
        let event = Event {
            time,
            kind,
            process_id,
            thread_id,
            user,
            data,
        };
        self.event(channel, &event)
    }

    /// 4624, 4672 when privileged; returns the session's number.
    pub(crate) fn logon(&mut self, time: Timestamp, logon: &Logon<'_>) -> Result<u64, SimulateError> {
        self.sessions += 1 + self.rng.below(4_000);
        let session = self.sessions;
        let guid = Guid::random(&mut self.rng);
        let port = self.rng.between(49_152, 65_000).to_string();
        let computer = format!("{}$", self.host.name);
        let domain = self.host.domain.clone();
        let service = logon.logon_type == 5;
        let process = if service {
            r"C:\Windows\System32\services.exe"
        } else {
            "-"
        };
        let length = if logon.package == "NTLM" { 128 } else { 0 };
        let subject = if service { Sid::SYSTEM } else { Sid::NULL };
        let data = [
            ("SubjectUserSid", Value::Sid(subject)),
            (
                "SubjectUserName",
                Value::Text(if service { &computer } else { "-" }),
            ),
            (
                "SubjectDomainName",
                Value::Text(if service { &domain } else { "-" }),
            ),
            ("SubjectLogonId", Value::Hex64(if service { 0x3e7 } else { 0 })),
            ("TargetUserSid", Value::Sid(logon.sid)),
            ("TargetUserName", Value::Text(logon.user)),
            ("TargetDomainName", Value::Text(logon.domain)),
            ("TargetLogonId", Value::Hex64(session)),
            ("LogonType", Value::U32(logon.logon_type)),
            (
                "LogonProcessName",
                Value::Text(if service { "Advapi  " } else { logon.package }),
            ),
            ("AuthenticationPackageName", Value::Text(logon.package)),
            ("WorkstationName", Value::Text(logon.workstation)),
            ("LogonGuid", Value::Guid(guid)),
            ("TransmittedServices", Value::Text("-")),
            (
                "LmPackageName",
                Value::Text(if length > 0 { "NTLM V2" } else { "-" }),
            ),
            ("KeyLength", Value::U32(length)),
            ("ProcessId", Value::Hex64(if service { 0x270 } else { 0 })),
            ("ProcessName", Value::Text(process)),
            ("IpAddress", Value::Text(logon.address)),
            ("IpPort", Value::Text(if service { "-" } else { &port })),
            ("ImpersonationLevel", Value::Text("%%1833")),
            ("RestrictedAdminMode", Value::Text("-")),
            ("TargetOutboundUserName", Value::Text("-")),
            ("TargetOutboundDomainName", Value::Text("-")),
            ("VirtualAccount", Value::Text("%%1843")),
            ("TargetLinkedLogonId", Value::Hex64(0)),
            (
                "ElevatedToken",
                Value::Text(if logon.privileged { "%%1842" } else { "%%1843" }),
            ),
        ];
        self.write_event(Channel::Security, time, &kinds::LOGON, None, Data::Named(&data))?;
        if logon.privileged {
            let list = "SeSecurityPrivilege\r\n\t\t\tSeBackupPrivilege\r\n\t\t\tSeRestorePrivilege\r\n\t\t\tSeDebugPrivilege";
            let data = [
                ("SubjectUserSid", Value::Sid(logon.sid)),
                ("SubjectUserName", Value::Text(logon.user)),
                ("SubjectDomainName", Value::Text(logon.domain)),
                ("SubjectLogonId", Value::Hex64(session)),
                ("PrivilegeList", Value::Text(list)),
            ];
            self.write_event(
                Channel::Security,
                time,
                &kinds::SPECIAL_LOGON,
                None,
                Data::Named(&data),
            )?;
        }
        Ok(session)
    }

    /// 4634.
    pub(crate) fn logoff(
        &mut self,
        time: Timestamp,
        logon: &Logon<'_>,
        session: u64,
    ) -> Result<(), SimulateError> {
        let data = [
            ("TargetUserSid", Value::Sid(logon.sid)),
            ("TargetUserName", Value::Text(logon.user)),
            ("TargetDomainName", Value::Text(logon.domain)),
            ("TargetLogonId", Value::Hex64(session)),
            ("LogonType", Value::U32(logon.logon_type)),
        ];
        self.write_event(Channel::Security, time, &kinds::LOGOFF, None, Data::Named(&data))
    }

    /// 4720 and 4732: a new local account in the administrators group.
    pub(crate) fn new_administrator(&mut self, time: Timestamp, account: &str) -> Result<(), SimulateError> {
        let computer = format!("{}$", self.host.name);
        let domain = self.host.domain.clone();
        let local = [0x6_1234, 0x77_4321, 0x55_9876];
        let sid = Sid::account(local, 1_004);
        let subject = [
            ("SubjectUserSid", Value::Sid(Sid::SYSTEM)),
            ("SubjectUserName", Value::Text(&computer)),
            ("SubjectDomainName", Value::Text(&domain)),
            ("SubjectLogonId", Value::Hex64(0x3e7)),
        ];
        let mut created = vec![
            ("TargetUserName", Value::Text(account)),
            ("TargetDomainName", Value::Text(&computer[..computer.len() - 1])),
            ("TargetSid", Value::Sid(sid)),
        ];
        created.extend(subject);
        created.push(("SamAccountName", Value::Text(account)));
        self.write_event(
            Channel::Security,
            time,
            &kinds::USER_CREATED,
            None,
            Data::Named(&created),
        )?;
        let group = if self.host.french {
            "Administrateurs"
        } else {
            "Administrators"
        };
        let mut added = vec![
            ("MemberName", Value::Text("-")),
            ("MemberSid", Value::Sid(sid)),
            ("TargetUserName", Value::Text(group)),
            ("TargetDomainName", Value::Text("Builtin")),
            ("TargetSid", Value::Sid(Sid::nt(&[32, 544]))),
        ];
        added.extend(subject);
        added.push(("PrivilegeList", Value::Text("-")));
        self.write_event(
            Channel::Security,
            time,
            &kinds::GROUP_MEMBER_ADDED,
            None,
            Data::Named(&added),
        )
    }

    /// 7045.
    pub(crate) fn service_installed(
        &mut self,
        time: Timestamp,
        name: &str,
        path: &str,
    ) -> Result<(), SimulateError> {
        let data = [
            ("ServiceName", Value::Text(name)),
            ("ImagePath", Value::Text(path)),
            ("ServiceType", Value::Text("user mode service")),
            ("StartType", Value::Text("demand start")),
            ("AccountName", Value::Text("LocalSystem")),
        ];
        let user = Some(self.host.sid(500));
        self.write_event(
            Channel::System,
            time,
            &kinds::SERVICE_INSTALLED,
            user,
            Data::Named(&data),
        )
    }

    /// 7036.
    pub(crate) fn service_state(
        &mut self,
        time: Timestamp,
        name: &str,
        state: &str,
    ) -> Result<(), SimulateError> {
        let data = [("param1", Value::Text(name)), ("param2", Value::Text(state))];
        self.write_event(
            Channel::System,
            time,
            &kinds::SERVICE_STATE,
            None,
            Data::Named(&data),
        )
    }

    /// MSExchange Management 1: a cmdlet succeeded.
    pub(crate) fn management(&mut self, time: Timestamp, managed: &Managed<'_>) -> Result<(), SimulateError> {
        let sid = managed.sid.to_string();
        let process = format!("{} {}", 5_000 + self.rng.below(4_000), managed.process);
        let thread = self.rng.between(5, 90).to_string();
        let took = format!("00:00:00.{:07}", self.rng.between(300_000, 9_999_999));
        let activity = format!("ActivityId: {}", Guid::random(&mut self.rng));
        let scope = format!(
            "View Entire Forest: 'False', Default Scope: '{0}', Configuration Domain Controller: 'DC01.{0}'",
            self.host.dns_domain
        );
        let culture = if self.host.french { "fr-FR" } else { "en-US" };
        let data = [
            managed.cmdlet,
            managed.parameters,
            managed.user,
            &sid,
            &sid,
            managed.origin,
            &process,
            "",
            &thread,
            &took,
            &scope,
            "",
            "",
            "",
            "",
            "",
            "",
            "False",
            "",
            "0 objects execution has been proxied to remote server.",
            "",
            "",
            "0",
            &activity,
            "ServicePlan:;IsAdmin:True;",
            "",
            culture,
        ];
        self.write_event(
            Channel::Management,
            time,
            &kinds::CMDLET,
            None,
            Data::Unnamed(&data),
        )
    }

    /// An event of a classic source in the Application log.
    pub(crate) fn application(
        &mut self,
        time: Timestamp,
        kind: &Kind,
        texts: &[&str],
    ) -> Result<(), SimulateError> {
        self.write_event(Channel::Application, time, kind, None, Data::Unnamed(texts))
    }

    /// MSExchange Unified Messaging 1081: a worker failed while it handled a request.
    pub(crate) fn unified_messaging_error(
        &mut self,
        time: Timestamp,
        text: &str,
    ) -> Result<(), SimulateError> {
        self.application(time, &kinds::UNIFIED_MESSAGING, &[text])
    }

    /// An everyday event of the Application log.
    pub(crate) fn application_note(&mut self, time: Timestamp) -> Result<(), SimulateError> {
        let texts = [
            "Process STORE.EXE (PID=3188). Exchange Active Directory Provider has discovered the following servers",
            "SPP service has scheduled a restart",
        ];
        let text = *self.rng.pick(&texts);
        self.application(time, &kinds::DIRECTORY_ACCESS, &[text, &self.host.fqdn.clone()])
    }

    /// ESENT 325: a database was created.
    pub(crate) fn database_created(&mut self, time: Timestamp, path: &str) -> Result<(), SimulateError> {
        self.application(
            time,
            &kinds::ESENT_CREATED,
            &["ntdsutil", "4120,D,50", "", "1", path, "0"],
        )
    }

    /// PowerShell 4104.
    pub(crate) fn script_block(
        &mut self,
        time: Timestamp,
        text: &str,
        path: &str,
    ) -> Result<(), SimulateError> {
        let id = Guid::random(&mut self.rng).to_string();
        let data = [
            ("MessageNumber", Value::U32(1)),
            ("MessageTotal", Value::U32(1)),
            ("ScriptBlockText", Value::Text(text)),
            ("ScriptBlockId", Value::Text(&id)),
            ("Path", Value::Text(path)),
        ];
        self.write_event(
            Channel::PowerShell,
            time,
            &kinds::SCRIPT_BLOCK,
            Some(Sid::SYSTEM),
            Data::Named(&data),
        )
    }

    /// Defender 1116: something was found.
    pub(crate) fn malware_found(
        &mut self,
        time: Timestamp,
        threat: &str,
        path: &str,
    ) -> Result<(), SimulateError> {
        let id = format!("{{{}}}", Guid::random(&mut self.rng));
        let (authority, system) = self.host.system();
        let user = format!("{authority}\\{system}");
        let path = format!("file:_{path}");
        let data = [
            ("Product Name", Value::Text("Windows Defender Antivirus")),
            ("Product Version", Value::Text("4.18.2101.9")),
            ("Detection ID", Value::Text(&id)),
            ("Threat ID", Value::Text("2147741427")),
            ("Threat Name", Value::Text(threat)),
            ("Severity Name", Value::Text("Severe")),
            ("Category Name", Value::Text("Backdoor")),
            (
                "Process Name",
                Value::Text(r"C:\Windows\System32\inetsrv\w3wp.exe"),
            ),
            ("Detection User", Value::Text(&user)),
            ("Path", Value::Text(&path)),
            ("Action Name", Value::Text("Not Applicable")),
            ("Error Code", Value::Text("0x00000000")),
        ];
        self.write_event(
            Channel::Defender,
            time,
            &kinds::MALWARE_FOUND,
            Some(Sid::SYSTEM),
            Data::Named(&data),
        )
    }

    /// Defender 1001: a scan ended.
    pub(crate) fn malware_scan_done(&mut self, time: Timestamp) -> Result<(), SimulateError> {
        let id = format!("{{{}}}", Guid::random(&mut self.rng));
        let data = [
            ("Product Name", Value::Text("Windows Defender Antivirus")),
            ("Scan ID", Value::Text(&id)),
            ("Scan Type", Value::Text("Antimalware")),
            ("Scan Parameters", Value::Text("Quick Scan")),
        ];
        self.write_event(
            Channel::Defender,
            time,
            &kinds::SCAN_DONE,
            Some(Sid::SYSTEM),
            Data::Named(&data),
        )
    }
}
