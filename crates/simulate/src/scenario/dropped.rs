//! Stories around a page that should not be there.

use vigie_event::Timestamp;

use super::Script;
use super::exploit::chain;
use crate::disk;
use crate::http::Plain;
use crate::machine::{Channel, EXCHANGE_DIR, Log, Machine};
use crate::plan::SimulateError;

pub(crate) const ADDRESS_BOOK_INTRUDER: &str = "203.0.113.77";
pub(crate) const EARLY_INTRUDER: &str = "203.0.113.19";
pub(crate) const LATE_INTRUDER: &str = "198.51.100.66";

/// The address book service and the voice mail service write where they should not; the page is used once.
pub(super) fn address_book(script: &mut Script) {
    script.at(0, (4, 30, 12), |m, t| {
        let text = "The Unified Messaging worker process encountered an unhandled exception: System.InvalidCastException: \
                    Unable to cast object of type 'System.String' to the type of a voice mail header. (simulated)";
        m.unified_messaging_error(t, text)?;
        m.step("execution", t, Log::Event(Channel::Application), "System.InvalidCastException",
            "the voice mail service fails on data it was made to read");
        Ok(())
    });
    script.at(0, (4, 31, 40), |m, t| {
        let path = r"C:\inetpub\wwwroot\aspnet_client\supp0rt.aspx";
        m.oab_download_failed(t, path)?;
        m.step(
            "vdir_write",
            t,
            Log::Oab,
            "supp0rt.aspx",
            "the address book service was made to download a page into the web folder",
        );
        Ok(())
    });
    script.at(0, (4, 31, 41), |m, t| {
        let image = format!(r"{EXCHANGE_DIR}\Bin\UMWorkerProcess.exe");
        let process = m.running(&image, &image);
        m.file_created(t, &process, r"C:\inetpub\wwwroot\aspnet_client\supp0rt.aspx")?;
        m.step(
            "web_shell",
            t,
            Log::Event(Channel::Sysmon),
            "supp0rt.aspx",
            "the voice mail service writes a page",
        );
        let file = m.file(
            "C/inetpub/wwwroot/aspnet_client/supp0rt.aspx",
            disk::INERT_PAGE,
            t,
        )?;
        m.file_step("web_shell", t, file, "inert", "the page on disk");
        Ok(())
    });
    script.at(0, (4, 52, 18), |m, t| {
        m.client_page(t, "POST", "/aspnet_client/supp0rt.aspx", ADDRESS_BOOK_INTRUDER)?;
        m.step(
            "web_shell_use",
            t,
            Log::Iis,
            "/aspnet_client/supp0rt.aspx",
            "the page is used",
        );
        let file = disk::compiled_page(m, "root", "/aspnet_client/supp0rt.aspx", t)?;
        m.file_step(
            "web_shell_use",
            t,
            file,
            "supp0rt.aspx",
            "ASP.NET compiled the page: it was opened",
        );
        let shell = m.shell_command(t, "whoami")?;
        m.step(
            "execution",
            t,
            Log::Event(Channel::Sysmon),
            "echo [S]",
            "the web server runs a command interpreter",
        );
        m.start(t, &shell, r"C:\Windows\System32\whoami.exe", "whoami")?;
        m.step(
            "discovery",
            t,
            Log::Event(Channel::Sysmon),
            "whoami.exe",
            "the intruder asks who it is",
        );
        Ok(())
    });
    script.at(1, (2, 40, 0), |m, t| {
        m.malware_found(
            t,
            "Backdoor:JS/Webshell",
            r"C:\inetpub\wwwroot\aspnet_client\supp0rt.aspx",
        )?;
        m.step(
            "web_shell",
            t,
            Log::Event(Channel::Defender),
            "Backdoor:JS/Webshell",
            "the antivirus recognises the page",
        );
        Ok(())
    });
}

impl Machine {
    /// A request to a page outside Exchange.
    pub(super) fn client_page(
        &mut self,
        t: Timestamp,
        method: &str,
        stem: &str,
        client: &str,
    ) -> Result<(), SimulateError> {
        let plain = Plain {
            method,
            stem,
            query: "",
            user: "",
            agent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64)",
            client,
            status: 200,
            millis: self.rng.between(90, 700),
        };
        self.plain_request(t, &plain)
    }
}

const LATE_PAGE: &str = "fatal-erro.aspx";

/// The way in is used before the update, the page after it.
pub(super) fn before_and_after(script: &mut Script) {
    chain(script, -2, EARLY_INTRUDER, LATE_PAGE);
    script.at(1, (22, 0, 0), super::benign::security_update);
    script.at(2, (3, 18, 9), |m, t| {
        m.page_used(t, "POST", LATE_PAGE, LATE_INTRUDER, 700)?;
        m.step(
            "web_shell_use",
            t,
            Log::Iis,
            LATE_PAGE,
            "the page is used, hours after the update",
        );
        let file = disk::compiled_page(m, "owa", &format!("/owa/auth/{LATE_PAGE}"), t)?;
        m.file_step(
            "web_shell_use",
            t,
            file,
            LATE_PAGE,
            "ASP.NET compiled the page: it was opened",
        );
        let shell = m.shell_command(t, "quser")?;
        m.step(
            "execution",
            t,
            Log::Event(Channel::Sysmon),
            "echo [S]",
            "the web server runs a command interpreter",
        );
        m.start(t, &shell, r"C:\Windows\System32\quser.exe", "quser")?;
        m.step(
            "discovery",
            t,
            Log::Event(Channel::Sysmon),
            "quser.exe",
            "the intruder asks who is logged on",
        );
        Ok(())
    });
}

/// A page appeared while a clean-up job was still deleting the logs of that day.
pub(super) fn odd_file(script: &mut Script) {
    let appeared = script.span.at(1, 3, 21, 7);
    script.at(2, (0, 0, 5), move |m, _| {
        let file = m.file(
            "C/inetpub/wwwroot/aspnet_client/system_web/help.aspx",
            disk::INERT_PAGE,
            appeared,
        )?;
        m.file_step(
            "web_shell",
            appeared,
            file,
            "inert",
            "a page in a folder that holds none, written on a day whose logs are gone",
        );
        Ok(())
    });
}

/// Where pages of this product normally stand.
pub(super) const LOGON_FOLDER: &str = "FrontEnd/HttpProxy/owa/auth";
