import { useMay, useSession } from "../api/session";
import { useLanguage } from "../i18n";
import { Accounts } from "../settings/accounts";
import { OwnIdentities } from "../settings/identities";
import { Keys } from "../settings/keys";
import { Password } from "../settings/password";
import { SecondFactor } from "../settings/second-factor";

export default function Settings() {
  const { t } = useLanguage();
  const { user } = useSession();
  const administers = useMay("administer");
  return (
    <>
      <header className="page-head"><h1>{t("nav.settings")}</h1></header>
      {user && (
        <div className="halves">
          {user.has_password ? <Password /> : <section className="panel"><h2>{t("sign_in.password")}</h2><p>{t("settings.no_password")}</p></section>}
          <SecondFactor since={user.totp_confirmed_at ?? null} />
        </div>
      )}
      {user && <OwnIdentities account={user.id} />}
      {administers && <Accounts />}
      <Keys />
      <p><a href="/docs">{t("reader.link")}</a></p>
    </>
  );
}
