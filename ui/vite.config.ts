import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// Everything is a file of its own: the server's content security policy allows no inline script.
export default defineConfig({
  plugins: [react()],
  build: { target: "es2022", assetsInlineLimit: 0, chunkSizeWarningLimit: 1200, modulePreload: { polyfill: false } },
  server: { proxy: { "/api": process.env.VIGIE_SERVER ?? "http://127.0.0.1:8443" } },
});
