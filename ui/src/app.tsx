import { Center, Loader } from "@mantine/core";
import { Suspense } from "react";
import { Navigate, Outlet, Route, Routes, useLocation } from "react-router";
import { useEvents } from "./api/events";
import { SessionProvider, useMay, useSessionQuery } from "./api/session";
import type { Session, Verb } from "./api/types";
import { Caught } from "./components/caught";
import { Empty, ProblemBox } from "./components/states";
import { useT } from "./i18n";
import {
  Alerts, ApiReader, Audit, Board, Campaigns, CasePage, Cases, Catalogue, EvidenceList, FindingPage, Findings, Hunts, Journal, Manage, Packs, Piece, ServerPage, Settings, TenantPage, Tenants,
} from "./pages";
import { SetUp } from "./pages/set-up";
import { SetPassword } from "./pages/password";
import { SignIn } from "./pages/sign-in";
import { Shell } from "./shell";

export function App() {
  return (
    <Routes>
      <Route path="/sign-in" element={<SignIn />} />
      <Route path="/password" element={<SetPassword />} />
      <Route path="/setup" element={<SetUp />} />
      <Route path="/docs" element={<Suspense fallback={<Waiting />}><ApiReader /></Suspense>} />
      <Route path="*" element={<SignedIn />} />
    </Routes>
  );
}

function Waiting() {
  const t = useT();
  return <Center mih="50vh"><Loader aria-label={t("state.loading")} role="status" /></Center>;
}

function SignedIn() {
  const session = useSessionQuery();
  const { pathname, search } = useLocation();
  if (session.error) return <main className="alone"><ProblemBox error={session.error} retry={() => void session.refetch()} /></main>;
  if (session.data === undefined) return <Waiting />;
  if (session.data === null) return <Navigate to={`/sign-in?to=${encodeURIComponent(pathname + search)}`} replace />;
  return <Desk session={session.data} />;
}

/** Pages for which one lacks the right are not there, as what the server would refuse is not. */
function Allowed({ verb }: { verb: Verb }) {
  return useMay(verb) ? <Outlet /> : <Empty title="state.no_page" />;
}

function Desk({ session }: { session: Session }) {
  useEvents();
  return (
    <SessionProvider session={session}>
      <Shell>
        <Caught>
          <Suspense fallback={<Waiting />}>
            <Routes>
              <Route path="/" element={<Navigate to="/campaigns" replace />} />
              <Route path="/campaigns" element={<Campaigns />} />
              <Route path="/campaigns/:id" element={<Board />} />
              <Route path="/servers/:id" element={<ServerPage />} />
              <Route path="/cases" element={<Cases />} />
              <Route path="/cases/:id" element={<CasePage />} />
              <Route path="/tenants" element={<Tenants />} />
              <Route path="/tenants/:id" element={<TenantPage />} />
              <Route path="/packs/:name?" element={<Packs />} />
              <Route path="/settings" element={<Settings />} />
              <Route element={<Allowed verb="read_internal" />}>
                <Route path="/campaigns/:id/manage" element={<Manage />} />
                <Route path="/findings" element={<Findings />} />
                <Route path="/findings/:id" element={<FindingPage />} />
                <Route path="/hunts" element={<Hunts />} />
                <Route path="/journal" element={<Journal />} />
                <Route path="/evidence" element={<EvidenceList />} />
                <Route path="/evidence/:id" element={<Piece />} />
                <Route path="/alerts" element={<Alerts />} />
                <Route path="/catalogue" element={<Catalogue />} />
              </Route>
              <Route element={<Allowed verb="audit" />}>
                <Route path="/audit" element={<Audit />} />
              </Route>
              <Route path="*" element={<Empty title="state.no_page" />} />
            </Routes>
          </Suspense>
        </Caught>
      </Shell>
    </SessionProvider>
  );
}
