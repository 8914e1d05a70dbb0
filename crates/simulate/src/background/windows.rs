//! What Windows notes on an ordinary day.

use vigie_event::Timestamp;

use crate::evtx::Sid;
use crate::machine::Machine;
use crate::plan::SimulateError;
use crate::windows::Logon;

impl Machine {
    pub(crate) fn background_windows(&mut self, time: Timestamp) -> Result<(), SimulateError> {
        match self.rng.below(100) {
            0..46 => self.ordinary_logon(time),
            46..66 => self.ordinary_process(time),
            66..78 => self.ordinary_connection(time),
            78..86 => self.ordinary_file(time),
            86..94 => {
                let services = [
                    "Windows Update",
                    "WMI Performance Adapter",
                    "Software Protection",
                    "BITS",
                ];
                let service = *self.rng.pick(&services);
                let state = *self.rng.pick(&["running", "stopped"]);
                self.service_state(time, service, state)
            }
            94..97 => self.application_note(time),
            _ => self.ordinary_script(time),
        }
    }

    pub(super) fn ordinary_logon(&mut self, time: Timestamp) -> Result<(), SimulateError> {
        let (authority, system) = self.host.system();
        let domain = self.host.domain.clone();
        let index = self.rng.below(self.host.users.len() as u64) as usize;
        let user = self.host.users[index].clone();
        let kind = self.rng.below(10);
        let computer = format!("{}$", self.host.name);
        let own = self.host.address.clone();
        let (name, domain, sid, logon_type, package, address) = match kind {
            0..4 => (system, authority, Sid::SYSTEM, 5, "Negotiate", "-"),
            4..7 => (
                computer.as_str(),
                domain.as_str(),
                self.host.sid(1_105),
                3,
                "Kerberos",
                own.as_str(),
            ),
            _ => (
                user.name.as_str(),
                domain.as_str(),
                user.sid,
                3,
                "Kerberos",
                user.inside.as_str(),
            ),
        };
        let logon = Logon {
            user: name,
            domain,
            sid,
            logon_type,
            package,
            workstation: "-",
            address,
            privileged: kind < 7,
        };
        let session = self.logon(time, &logon)?;
        if logon_type == 3 {
            self.logoff(time, &logon, session)?;
        }
        Ok(())
    }

    pub(super) fn ordinary_process(&mut self, time: Timestamp) -> Result<(), SimulateError> {
        let (parent, image, command) = *self.rng.pick(&[
            (
                r"C:\Windows\System32\services.exe",
                r"C:\Windows\System32\svchost.exe",
                r"C:\Windows\system32\svchost.exe -k netsvcs -p -s wuauserv",
            ),
            (
                r"C:\Windows\System32\svchost.exe",
                r"C:\Windows\System32\taskhostw.exe",
                "taskhostw.exe Install $(Arg0)",
            ),
            (
                r"C:\Windows\System32\svchost.exe",
                r"C:\Windows\System32\wbem\WmiPrvSE.exe",
                r"C:\Windows\system32\wbem\wmiprvse.exe -secured -Embedding",
            ),
            (
                r"C:\Windows\System32\services.exe",
                r"C:\Windows\System32\wbengine.exe",
                r#""C:\Windows\system32\wbengine.exe""#,
            ),
            (
                r"C:\Program Files\Microsoft\Exchange Server\V15\Bin\MSExchangeHMHost.exe",
                r"C:\Program Files\Microsoft\Exchange Server\V15\Bin\MSExchangeHMWorker.exe",
                r#""C:\Program Files\Microsoft\Exchange Server\V15\Bin\MSExchangeHMWorker.exe" -pipe:1204"#,
            ),
        ]);
        // A page compiled for the first time: the only child an Exchange worker process normally has.
        if self.rng.chance(80) {
            let worker = self.worker("MSExchangeOWAAppPool");
            let compiler = r"C:\Windows\Microsoft.NET\Framework64\v4.0.30319\csc.exe";
            let command = format!(
                r#""{compiler}" /noconfig /fullpaths @"C:\Windows\Microsoft.NET\Framework64\v4.0.30319\Temporary ASP.NET Files\owa\{:08x}\{:08x}\logon.cmdline""#,
                self.rng.below(1 << 32),
                self.rng.below(1 << 32)
            );
            return self.start(time, &worker, compiler, &command).map(drop);
        }
        let parent = self.running(parent, parent);
        self.start(time, &parent, image, command).map(drop)
    }

    fn ordinary_connection(&mut self, time: Timestamp) -> Result<(), SimulateError> {
        let transport = r"C:\Program Files\Microsoft\Exchange Server\V15\Bin\EdgeTransport.exe";
        if self.host.builds.is_empty() || self.rng.chance(300) {
            let process = self.running(r"C:\Windows\System32\svchost.exe", "svchost.exe -k netsvcs");
            return self.connected(time, &process, "192.0.2.251", 443);
        }
        let process = self.running(transport, transport);
        let peer = format!("192.0.2.{}", self.rng.between(200, 240));
        self.connected(time, &process, &peer, 25)
    }

    fn ordinary_file(&mut self, time: Timestamp) -> Result<(), SimulateError> {
        let process = self.running(r"C:\Windows\System32\svchost.exe", "svchost.exe -k netsvcs");
        let path = format!(r"C:\Windows\Temp\MpSigStub{:04}.log", self.rng.below(10_000));
        self.file_created(time, &process, &path)
    }

    fn ordinary_script(&mut self, time: Timestamp) -> Result<(), SimulateError> {
        let text = *self.rng.pick(&[
            "Get-Service -Name MSExchange* | Where-Object { $_.Status -ne 'Running' }",
            "Get-PSDrive -PSProvider FileSystem | Select-Object Name, Free",
            "Import-Module WebAdministration",
        ]);
        self.script_block(time, text, r"C:\Scripts\supervision.ps1")
    }
}
