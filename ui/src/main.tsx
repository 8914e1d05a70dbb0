import "@mantine/core/styles.css";
import "@mantine/notifications/styles.css";
import "./components/styles.css";
import { MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { BrowserRouter } from "react-router";
import { problemOf } from "./api/problem";
import { App } from "./app";
import { Caught } from "./components/caught";
import { LanguageProvider } from "./i18n";
import { preload } from "./preload";
import { theme } from "./theme";

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      // Only a server that did not answer is asked again by itself.
      retry: (count, error) => count < 2 && problemOf(error).status === 0,
    },
  },
});

preload(queries);

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <MantineProvider theme={theme} defaultColorScheme="auto">
      <QueryClientProvider client={queries}>
        <LanguageProvider>
          <Notifications position="bottom-right" />
          <BrowserRouter>
            <Caught>
              <App />
            </Caught>
          </BrowserRouter>
        </LanguageProvider>
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
