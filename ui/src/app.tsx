import { Center, Loader } from "@mantine/core";
import { Suspense } from "react";
import { Navigate, Route, Routes, useLocation } from "react-router";
import { useEvents } from "./api/events";
import { SessionProvider, useSessionQuery } from "./api/session";
import type { Session } from "./api/types";
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

function Desk({ session }: { session: Session }) {
  useEvents();
  return (
    <SessionProvider session={session}>
      <Shell>
        <Suspense fallback={<Waiting />}>
          <Routes>
            <Route path="/" element={<Navigate to="/campaigns" replace />} />
            <Route path="/campaigns" element={<Campaigns />} />
            <Route path="/campaigns/:id" element={<Board />} />
            <Route path="/campaigns/:id/manage" element={<Manage />} />
            <Route path="/servers/:id" element={<ServerPage />} />
            <Route path="/findings" element={<Findings />} />
            <Route path="/findings/:id" element={<FindingPage />} />
            <Route path="/cases" element={<Cases />} />
            <Route path="/cases/:id" element={<CasePage />} />
            <Route path="/hunts" element={<Hunts />} />
            <Route path="/tenants" element={<Tenants />} />
            <Route path="/tenants/:id" element={<TenantPage />} />
            <Route path="/packs/:name?" element={<Packs />} />
            <Route path="/journal" element={<Journal />} />
            <Route path="/evidence" element={<EvidenceList />} />
            <Route path="/evidence/:id" element={<Piece />} />
            <Route path="/alerts" element={<Alerts />} />
            <Route path="/catalogue" element={<Catalogue />} />
            <Route path="/audit" element={<Audit />} />
            <Route path="/settings" element={<Settings />} />
            <Route path="*" element={<Empty title="state.no_page" />} />
          </Routes>
        </Suspense>
      </Shell>
    </SessionProvider>
  );
}
