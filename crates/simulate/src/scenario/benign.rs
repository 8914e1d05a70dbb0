//! Honest work that leaves the traces an intrusion leaves.

use vigie_event::Timestamp;

use super::Script;
use crate::exchange::Cmdlet;
use crate::http::{Plain, Request};
use crate::machine::{EXCHANGE_DIR, Machine, Protocol};
use crate::plan::SimulateError;
use crate::windows::Managed;

/// Where the provider's own scanner stands.
const OWN_SCANNER: &str = "192.0.2.250";

/// The provider checks with the published script, twice, then updates.
pub(super) fn own_checks(script: &mut Script) {
    for at in [(8, 15, 20), (8, 15, 22), (17, 2, 40)] {
        script.at(0, at, |m, t| {
            let mut request = Request::new(Protocol::Owa, "GET", "/owa/auth/x.js");
            request.anchor = "ServerInfo~localhost/ecp/default.flt?#";
            request.hint = "X-AnonResource-Backend-Cookie";
            request.agent = "Mozilla/5.0 (compatible; Nmap Scripting Engine; https://nmap.org/book/nse.html)";
            request.client = OWN_SCANNER;
            request.status = 500;
            request.errors = "WebException=System.Net.WebException: The remote server returned an error;";
            m.request(t, &request)?;
            m.noise(
                t,
                "the provider's own check asks the front end for ServerInfo~localhost",
            );
            Ok(())
        });
    }
    script.at(0, (21, 30, 0), security_update);
}

pub(super) fn update(script: &mut Script) {
    script.at(-1, (23, 30, 0), security_update);
}

/// The security update of March 2021: the installer replaces pages, services stop and start.
pub(super) fn security_update(m: &mut Machine, t: Timestamp) -> Result<(), SimulateError> {
    m.service_state(t, "Microsoft Exchange Transport", "stopped")?;
    let installer = m.running(
        r"C:\Windows\System32\msiexec.exe",
        r"C:\Windows\system32\msiexec.exe /V",
    );
    for page in ["logon.aspx", "errorFE.aspx"] {
        m.file_created(
            t,
            &installer,
            &format!(
                r"{EXCHANGE_DIR}\{}\{page}",
                super::dropped::LOGON_FOLDER.replace('/', "\\")
            ),
        )?;
    }
    m.service_state(t, "Microsoft Exchange Transport", "running")?;
    m.noise(
        t,
        "the security update's installer writes pages into the log-on page's folder",
    );
    Ok(())
}

const SWEPT: [&str; 18] = [
    "shell",
    "web",
    "help",
    "document",
    "errorEE",
    "errorEEE",
    "errorEW",
    "errorFF",
    "healthcheck",
    "aspnet_www",
    "aspnet_client",
    "xx",
    "aspnet_iisstart",
    "one",
    "discover",
    "supp0rt",
    "RedirSuiteServerProxy",
    "OutlookEN",
];

/// A vulnerability scanner, an administrator, a cumulative update and a backup.
pub(super) fn noise(script: &mut Script) {
    cumulative_update(script);
    script.at(0, (1, 0, 0), security_update);
    for (n, name) in SWEPT.into_iter().enumerate() {
        let second = n as i64;
        script.at(1, (10, 30, second), move |m, t| {
            let folder = if n % 2 == 0 { "/aspnet_client" } else { "/owa/auth" };
            let stem = format!("{folder}/{name}.aspx");
            let plain = Plain {
                method: "GET",
                stem: &stem,
                query: "",
                user: "",
                agent: "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 5.1; Trident/4.0)",
                client: OWN_SCANNER,
                status: 404,
                millis: 2,
            };
            m.plain_request(t, &plain)?;
            m.noise(
                t,
                "the provider's vulnerability scanner asks for a known page name: not found",
            );
            Ok(())
        });
    }
    script.at(1, (14, 12, 30), honest_address);
    script.at(2, (1, 30, 0), backup);
}

fn cumulative_update(script: &mut Script) {
    script.at(-2, (21, 0, 0), |m, t| {
        let setup = m.running(
            r"D:\Setup\ServerRoles\Common\ExSetup.exe",
            r"ExSetup.exe /mode:upgrade /IAcceptExchangeServerLicenseTerms",
        );
        let pages = [
            "logon.aspx",
            "logoff.aspx",
            "errorFE.aspx",
            "expiredpassword.aspx",
            "signout.aspx",
        ];
        for page in pages {
            m.file_created(
                t,
                &setup,
                &format!(r"{EXCHANGE_DIR}\FrontEnd\HttpProxy\owa\auth\{page}"),
            )?;
        }
        m.noise(
            t,
            "the cumulative update's setup writes pages into the log-on page's folder",
        );
        Ok(())
    });
    script.at(-2, (21, 20, 0), |m, t| {
        let setup = m.running(
            r"D:\Setup\ServerRoles\Common\ExSetup.exe",
            "ExSetup.exe /mode:upgrade",
        );
        let appcmd = r"C:\Windows\System32\inetsrv\appcmd.exe";
        m.start(
            t,
            &setup,
            appcmd,
            r#"appcmd.exe set config "Default Web Site/OAB" /section:access /sslFlags:Ssl"#,
        )?;
        let worker = m.worker("MSExchangeOWAAppPool");
        let compiler = r"C:\Windows\Microsoft.NET\Framework64\v4.0.30319\csc.exe";
        m.start(
            t,
            &worker,
            compiler,
            &format!(r#""{compiler}" /noconfig /fullpaths @"logon.cmdline""#),
        )?;
        m.noise(
            t,
            "the first log-on after the update makes the web server start the compiler",
        );
        Ok(())
    });
}

/// An administrator gives the address book directory its proper address, in the control panel.
fn honest_address(m: &mut Machine, t: Timestamp) -> Result<(), SimulateError> {
    let url = format!("https://{}/OAB", m.host.public_name);
    let identity = format!(r"{}\OAB (Default Web Site)", m.host.name);
    let command = format!("Set-OabVirtualDirectory.ExternalUrl='{url}'.Identity='{identity}'");
    m.ecp_command(
        t,
        &command,
        "/ecp/DDI/DDIService.svc/SetObject?msExchEcpCanary=k2honest.&schema=OABVirtualDirectory",
    )?;
    let parameters = format!("-ExternalUrl \"{url}\" -Identity \"{identity}\"");
    let user = format!("{}/Users/{}", m.host.dns_domain, m.host.administrator());
    let sid = m.host.sid(500);
    let managed = Managed {
        cmdlet: "Set-OabVirtualDirectory",
        parameters: &parameters,
        user: &user,
        sid,
        origin: "ServerRemoteHost-EMC",
        process: "w3wp#MSExchangeECPAppPool",
    };
    m.management(t, &managed)?;
    let account = format!("{}\\{}", m.host.domain, m.host.administrator());
    let cmdlet = Cmdlet {
        user: &account,
        sid,
        application: "",
        name: "Set-OabVirtualDirectory",
        parameters: &parameters,
    };
    m.remote_cmdlet(t, &cmdlet)?;
    m.noise(
        t,
        "an administrator sets the address book directory's external address to a proper one",
    );
    Ok(())
}

fn backup(m: &mut Machine, t: Timestamp) -> Result<(), SimulateError> {
    let agent = m.running(
        r"C:\Program Files\Sauvegarde\agent.exe",
        r"C:\Program Files\Sauvegarde\agent.exe --service",
    );
    m.start(
        t,
        &agent,
        r"C:\Windows\System32\vssadmin.exe",
        "vssadmin list shadows",
    )?;
    m.start(
        t,
        &agent,
        r"C:\Program Files\7-Zip\7z.exe",
        r#""C:\Program Files\7-Zip\7z.exe" a D:\Sauvegarde\iis.zip C:\inetpub\logs"#,
    )?;
    m.noise(
        t,
        "the backup lists shadow copies and packs the web server's logs",
    );
    Ok(())
}
