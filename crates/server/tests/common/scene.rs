//! A client in the middle of a crisis, made by requests alone.

use std::sync::atomic::AtomicBool;

use serde_json::{Value, json};
use vigie_desk::hunts::HuntHandler;
use vigie_desk::worker::{self, Handler};

use super::{Bench, Client};

/// A client, what it has, and what happened to it.
pub(crate) struct Scene {
    pub(crate) tenant: String,
    pub(crate) server: String,
    pub(crate) campaign: String,
    pub(crate) evidence: String,
    pub(crate) upload: String,
    pub(crate) hold: String,
    pub(crate) hunt: String,
    pub(crate) finding: String,
    pub(crate) dismissal: String,
    pub(crate) alert: String,
    pub(crate) case: String,
    pub(crate) item: String,
    pub(crate) view: String,
}

/// A log of HttpProxy with one request as ProxyLogon leaves it.
pub(crate) fn log(host: &str) -> Vec<u8> {
    let mut text = String::from(
        "#Software: Microsoft Exchange Server\n#Version: 15.01.2176.002\n#Log-type: HttpProxy Logs\n\
         DateTime,RequestId,MajorVersion,MinorVersion,BuildVersion,RevisionVersion,ClientRequestId,Protocol,UrlHost,UrlStem,\
         ProtocolAction,AuthenticationType,IsAuthenticated,AuthenticatedUser,Organization,AnchorMailbox,UserAgent,\
         ClientIpAddress,ServerHostName,HttpStatus,BackEndStatus,ErrorCode,Method\n",
    );
    for hour in 0..24 {
        text.push_str(&format!(
            "2021-03-02T{hour:02}:10:00.000Z,r{hour},15,1,2176,2,,Owa,mail.client.example,/owa/,,Basic,True,user@client.example,,\
             Sid~x,Mozilla,198.51.100.7,{host},200,200,,GET\n"
        ));
    }
    text.push_str(&format!(
        "2021-03-02T23:11:00.000Z,ra,15,1,2176,2,,Ecp,mail.client.example,/ecp/y.js,,,False,,,\
         ServerInfo~a]@ex01.client.example:444/autodiscover/autodiscover.xml?#,python-requests/2.25,203.0.113.45,{host},\
         200,200,,POST\n"
    ));
    text.into_bytes()
}

pub(crate) fn id(value: &Value) -> String {
    value["id"]
        .as_str()
        .unwrap_or_else(|| panic!("no id: {value}"))
        .to_owned()
}

/// A tenant with a server.
pub(crate) async fn tenant(who: &Client, name: &str, host: &str) -> (String, String) {
    let tenant = who
        .post(
            "/api/v1/tenants",
            json!({"name": name, "contract": "managed", "locale": "fr", "agency": name}),
        )
        .await
        .ok();
    let new = json!({"tenant_id": id(&tenant), "fields": {"name": host}});
    let server = who.post("/api/v1/servers", new).await.ok();
    (id(&tenant), id(&server))
}

/// Opens a campaign.
pub(crate) async fn campaign(who: &Client, tenants: &[&str]) -> String {
    let pack = who.get("/api/v1/packs/hafnium-2021").await.ok();
    let new = json!({
        "title": "Exchange", "pack": "hafnium-2021", "pack_version": pack["version"], "tenants": tenants,
    });
    id(&who.post("/api/v1/campaigns", new).await.ok())
}

/// Uploads a file in two parts.
pub(crate) async fn upload(who: &Client, tenant: &str, server: &str, campaign: &str, bytes: &[u8]) -> String {
    let new = json!({
        "tenant_id": tenant, "server_id": server, "campaign_id": campaign, "size": bytes.len(),
        "name": "HttpProxy_2021030200-1.LOG",
    });
    let upload = id(&who.post("/api/v1/uploads", new).await.ok());
    let path = format!("/api/v1/uploads/{upload}");
    let (first, second) = bytes.split_at(bytes.len() / 2);
    let half = who
        .send("PATCH", &path, &[("upload-offset", "0")], first.to_vec())
        .await
        .ok();
    assert_eq!(half["received"], first.len());
    // Sent again by mistake: it is said where to go on.
    who.send("PATCH", &path, &[("upload-offset", "0")], first.to_vec())
        .await
        .refused(409, "offset");
    let offset = first.len().to_string();
    who.send(
        "PATCH",
        &path,
        &[("upload-offset", offset.as_str())],
        second.to_vec(),
    )
    .await
    .ok();
    id(&who.post(&format!("{path}/finish"), json!({})).await.ok())
}

/// Does one job of the queue.
pub(crate) async fn work(bench: &Bench) {
    let desk = bench.desk.clone();
    tokio::task::spawn_blocking(move || {
        let hunting = HuntHandler { threads: 1 };
        let handlers: [&dyn Handler; 1] = [&hunting];
        let job = worker::run_one(&desk, "w1", &handlers, &AtomicBool::new(false))
            .unwrap()
            .expect("a job");
        assert_eq!(job.error, None);
    })
    .await
    .unwrap();
}

/// Everything that can happen to a client. `mark` is in every name and text.
pub(crate) async fn play(bench: &Bench, who: &Client, campaign: &str, mark: &str) -> Scene {
    let host = format!("{mark}-EX01");
    let (tenant, server) = tenant(who, mark, &host).await;
    let tenants = json!({"tenants": [tenant]});
    who.post(&format!("/api/v1/campaigns/{campaign}/tenants"), tenants)
        .await
        .ok();
    let evidence = upload(who, &tenant, &server, campaign, &log(&host)).await;
    let hunt = id(&who
        .post(
            "/api/v1/hunts",
            json!({"campaign_id": campaign, "evidence": [evidence]}),
        )
        .await
        .ok());
    work(bench).await;
    let detail = who.get(&format!("/api/v1/hunts/{hunt}")).await.ok();
    assert_eq!(detail["job"]["state"], "done", "{detail}");
    assert_eq!(detail["servers"].as_array().unwrap().len(), 1, "{detail}");
    let findings = who.get(&format!("/api/v1/findings?tenant={tenant}")).await.ok();
    let found = findings["items"].as_array().unwrap();
    assert!(!found.is_empty(), "{detail}");
    let finding = id(&found[0]);
    let lines = who.get(&format!("/api/v1/findings/{finding}/lines")).await.ok();
    let fields = &lines[0]["fields"];
    assert!(
        fields.as_object().is_some_and(|fields| !fields.is_empty()),
        "{lines}"
    );
    let dismiss = json!({
        "items": [{"id": finding, "revision": 1}, {"id": finding, "revision": 1}],
        "decision": {
            "decision": "dismiss", "reason": format!("{mark}: our own scanner"), "scope": "all", "fields": fields,
            "expires_at": "2021-09-01T00:00:00Z",
        },
    });
    let decided = who.post("/api/v1/findings/decide", dismiss).await.ok();
    assert_eq!(
        decided["results"][0]["finding"]["state"], "dismissed",
        "{decided}"
    );
    // The second judged what was no longer so.
    assert_eq!(decided["results"][1]["problem"]["current"], 2, "{decided}");
    let catalogue = who.get("/api/v1/catalogue").await.ok();
    let upload = json!({"tenant_id": tenant, "name": format!("{mark}.zip")});
    let upload = id(&who.post("/api/v1/uploads", upload).await.ok());
    let why = json!({"reason": format!("{mark}: insurance")});
    let hold = id(&who
        .post(&format!("/api/v1/evidence/{evidence}/hold"), why)
        .await
        .ok());
    let alert = json!({
        "tenant_id": tenant, "source": "edr", "external_id": mark, "title": format!("{mark} shell"), "severity": "high",
    });
    let alert = id(&who.post("/api/v1/alerts", alert).await.ok());
    let case = json!({
        "tenant_id": tenant, "campaign_id": campaign, "servers": [server],
        "fields": {"title": format!("{mark} shell"), "severity": "high", "shared": true},
    });
    let case = id(&who.post("/api/v1/cases", case).await.ok());
    let note = json!({"kind": "note", "text": format!("{mark} <script>"), "shared": true});
    let item = id(&who.post(&format!("/api/v1/cases/{case}/items"), note).await.ok());
    who.send(
        "PUT",
        &format!("/api/v1/cases/{case}/links/alert/{alert}"),
        &[],
        Vec::new(),
    )
    .await
    .ok();
    let remark = json!({"tenant_id": tenant, "campaign_id": campaign, "text": format!("{mark} was called")});
    who.post("/api/v1/journal", remark).await.ok();
    let observed =
        json!({"fact": {"kind": "published", "published": true}, "place": format!("{mark} by phone")});
    who.post(&format!("/api/v1/servers/{server}/observations"), observed)
        .await
        .ok();
    // A colleague's filters may name a client.
    let view = json!({"page": "board", "fields": {"name": format!("{mark} only"), "query": format!("q={mark}"), "shared": true}});
    let view = id(&who.post("/api/v1/views", view).await.ok());
    Scene {
        tenant,
        server,
        campaign: campaign.to_owned(),
        evidence,
        upload,
        hold,
        hunt,
        finding,
        dismissal: id(&catalogue["items"][0]),
        alert,
        case,
        item,
        view,
    }
}
