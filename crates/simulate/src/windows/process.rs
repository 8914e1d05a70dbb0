//! Processes and what they do, as Sysmon and the security log see them.

use vigie_event::Timestamp;

use super::kinds;
use crate::evtx::{Data, Guid, Sid, Value};
use crate::machine::{Channel, Machine};
use crate::plan::SimulateError;
use crate::text::sysmon_time;

/// A process.
#[derive(Debug, Clone)]
pub(crate) struct Process {
    pub(crate) image: String,
    pub(crate) command: String,
    pub(crate) id: u32,
    pub(crate) guid: Guid,
}

impl Machine {
    /// A process that was there before the logs began, or whose start is not the point.
    pub(crate) fn running(&mut self, image: &str, command: &str) -> Process {
        Process {
            image: image.to_owned(),
            command: command.to_owned(),
            id: self.rng.between(600, 4_000) as u32 * 4,
            guid: Guid::random(&mut self.rng),
        }
    }

    /// An IIS worker process of this application pool.
    pub(crate) fn worker(&mut self, pool: &str) -> Process {
        let command = format!(
            r#"c:\windows\system32\inetsrv\w3wp.exe -ap "{pool}" -v "v4.0" -c "C:\Program Files\Microsoft\Exchange Server\V15\bin\GenericAppPoolConfigWithGCServerEnabledFalse.config" -a \\.\pipe\iisipm3f2a -h "C:\inetpub\temp\apppools\{pool}\{pool}.config" -w "" -m 0"#
        );
        self.running(r"C:\Windows\System32\inetsrv\w3wp.exe", &command)
    }

    /// Sysmon 1 and Security 4688, under the local system's account.
    pub(crate) fn start(
        &mut self,
        time: Timestamp,
        parent: &Process,
        image: &str,
        command: &str,
    ) -> Result<Process, SimulateError> {
        let process = self.running(image, command);
        let (authority, system) = self.host.system();
        let user = format!("{authority}\\{system}");
        let hashes = format!(
            "SHA256={:016X}{:016X}{:016X}{:016X}",
            self.rng.next(),
            self.rng.next(),
            self.rng.next(),
            self.rng.next()
        );
        let utc = sysmon_time(time);
        let logon = Guid::random(&mut self.rng);
        let name = image.rsplit('\\').next().unwrap_or(image);
        let data = [
            ("RuleName", Value::Text("-")),
            ("UtcTime", Value::Text(&utc)),
            ("ProcessGuid", Value::Guid(process.guid)),
            ("ProcessId", Value::U32(process.id)),
            ("Image", Value::Text(image)),
            (
                "FileVersion",
                Value::Text("10.0.14393.0 (rs1_release.160715-1616)"),
            ),
            ("Description", Value::Text("-")),
            (
                "Product",
                Value::Text("Microsoft\u{ae} Windows\u{ae} Operating System"),
            ),
            ("Company", Value::Text("Microsoft Corporation")),
            ("OriginalFileName", Value::Text(name)),
            ("CommandLine", Value::Text(command)),
            ("CurrentDirectory", Value::Text(r"C:\windows\system32\inetsrv\")),
            ("User", Value::Text(&user)),
            ("LogonGuid", Value::Guid(logon)),
            ("LogonId", Value::Hex64(0x3e7)),
            ("TerminalSessionId", Value::U32(0)),
            ("IntegrityLevel", Value::Text("System")),
            ("Hashes", Value::Text(&hashes)),
            ("ParentProcessGuid", Value::Guid(parent.guid)),
            ("ParentProcessId", Value::U32(parent.id)),
            ("ParentImage", Value::Text(&parent.image)),
            ("ParentCommandLine", Value::Text(&parent.command)),
        ];
        self.write_event(
            Channel::Sysmon,
            time,
            &kinds::SYSMON_PROCESS,
            Some(Sid::SYSTEM),
            Data::Named(&data),
        )?;
        self.process_audit(time, parent, &process)?;
        Ok(process)
    }

    fn process_audit(
        &mut self,
        time: Timestamp,
        parent: &Process,
        process: &Process,
    ) -> Result<(), SimulateError> {
        let computer = format!("{}$", self.host.name);
        let domain = self.host.domain.clone();
        let data = [
            ("SubjectUserSid", Value::Sid(Sid::SYSTEM)),
            ("SubjectUserName", Value::Text(&computer)),
            ("SubjectDomainName", Value::Text(&domain)),
            ("SubjectLogonId", Value::Hex64(0x3e7)),
            ("NewProcessId", Value::Hex64(u64::from(process.id))),
            ("NewProcessName", Value::Text(&process.image)),
            ("TokenElevationType", Value::Text("%%1936")),
            ("ProcessId", Value::Hex64(u64::from(parent.id))),
            ("CommandLine", Value::Text(&process.command)),
            ("TargetUserSid", Value::Sid(Sid::NULL)),
            ("TargetUserName", Value::Text("-")),
            ("TargetDomainName", Value::Text("-")),
            ("TargetLogonId", Value::Hex64(0)),
            ("ParentProcessName", Value::Text(&parent.image)),
            ("MandatoryLabel", Value::Sid(Sid::MANDATORY_SYSTEM)),
        ];
        self.write_event(
            Channel::Security,
            time,
            &kinds::PROCESS_CREATED,
            None,
            Data::Named(&data),
        )
    }

    /// Sysmon 11.
    pub(crate) fn file_created(
        &mut self,
        time: Timestamp,
        process: &Process,
        path: &str,
    ) -> Result<(), SimulateError> {
        let utc = sysmon_time(time);
        let data = [
            ("RuleName", Value::Text("-")),
            ("UtcTime", Value::Text(&utc)),
            ("ProcessGuid", Value::Guid(process.guid)),
            ("ProcessId", Value::U32(process.id)),
            ("Image", Value::Text(&process.image)),
            ("TargetFilename", Value::Text(path)),
            ("CreationUtcTime", Value::Text(&utc)),
        ];
        self.write_event(
            Channel::Sysmon,
            time,
            &kinds::SYSMON_FILE,
            Some(Sid::SYSTEM),
            Data::Named(&data),
        )
    }

    /// Sysmon 3, outbound.
    pub(crate) fn connected(
        &mut self,
        time: Timestamp,
        process: &Process,
        address: &str,
        port: u32,
    ) -> Result<(), SimulateError> {
        let utc = sysmon_time(time);
        let (authority, system) = self.host.system();
        let user = format!("{authority}\\{system}");
        let from = self.rng.between(49_152, 65_000) as u32;
        let own = self.host.address.clone();
        let name = self.host.fqdn.clone();
        let data = [
            ("RuleName", Value::Text("-")),
            ("UtcTime", Value::Text(&utc)),
            ("ProcessGuid", Value::Guid(process.guid)),
            ("ProcessId", Value::U32(process.id)),
            ("Image", Value::Text(&process.image)),
            ("User", Value::Text(&user)),
            ("Protocol", Value::Text("tcp")),
            ("Initiated", Value::Bool(true)),
            ("SourceIsIpv6", Value::Bool(false)),
            ("SourceIp", Value::Text(&own)),
            ("SourceHostname", Value::Text(&name)),
            ("SourcePort", Value::U32(from)),
            ("SourcePortName", Value::Text("-")),
            ("DestinationIsIpv6", Value::Bool(false)),
            ("DestinationIp", Value::Text(address)),
            ("DestinationHostname", Value::Text("-")),
            ("DestinationPort", Value::U32(port)),
            ("DestinationPortName", Value::Text("-")),
        ];
        self.write_event(
            Channel::Sysmon,
            time,
            &kinds::SYSMON_CONNECTION,
            Some(Sid::SYSTEM),
            Data::Named(&data),
        )
    }

    /// Sysmon 10 on the local security authority.
    pub(crate) fn lsass_accessed(
        &mut self,
        time: Timestamp,
        process: &Process,
        access: u32,
    ) -> Result<(), SimulateError> {
        let utc = sysmon_time(time);
        let target = Guid::random(&mut self.rng);
        let access = format!("0x{access:X}");
        let data = [
            ("RuleName", Value::Text("-")),
            ("UtcTime", Value::Text(&utc)),
            ("SourceProcessGUID", Value::Guid(process.guid)),
            ("SourceProcessId", Value::U32(process.id)),
            ("SourceThreadId", Value::U32(process.id + 8)),
            ("SourceImage", Value::Text(&process.image)),
            ("TargetProcessGUID", Value::Guid(target)),
            ("TargetProcessId", Value::U32(648)),
            ("TargetImage", Value::Text(r"C:\Windows\system32\lsass.exe")),
            ("GrantedAccess", Value::Text(&access)),
            (
                "CallTrace",
                Value::Text(r"C:\Windows\SYSTEM32\ntdll.dll+a6594|C:\Windows\System32\KERNELBASE.dll+2940d"),
            ),
        ];
        self.write_event(
            Channel::Sysmon,
            time,
            &kinds::SYSMON_ACCESS,
            Some(Sid::SYSTEM),
            Data::Named(&data),
        )
    }
}
