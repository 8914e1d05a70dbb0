// The real program on a port of its own, with the pages as they are now.

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";

/** A port nobody listens on. */
export function freePort() {
  return new Promise((done, fail) => {
    const probe = createServer();
    probe.once("error", fail);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => done(port));
    });
  });
}

/** Starts it on an empty data folder, with more options if need be, and waits for the link that makes the first administrator. */
export async function serve(vigie, data, options = [], port = undefined) {
  port ??= await freePort();
  const child = spawn(vigie, ["--lang", "en", "serve", "--data", data, "--listen", `127.0.0.1:${port}`, ...options], { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  const setUp = await new Promise((done, fail) => {
    const timer = setTimeout(() => fail(new Error(`it printed no link:\n${said}`)), 60_000);
    child.once("error", fail);
    child.once("exit", (code) => fail(new Error(`it ended with ${code}:\n${said}`)));
    child.stderr.on("data", (bytes) => {
      said += bytes;
      const link = /http:\S+\/setup\?token=\S+/.exec(said);
      if (!link) return;
      clearTimeout(timer);
      done(link[0]);
    });
  });
  if (said.includes("pages were not built")) {
    child.kill();
    throw new Error("the program was built without its pages: run `npm run build`, then build it again");
  }
  const stop = () =>
    new Promise((done) => {
      child.removeAllListeners("exit");
      child.once("exit", done);
      child.kill("SIGTERM");
    });
  const origin = new URL(setUp).origin;
  const built = readFileSync(new URL("../dist/index.html", import.meta.url), "utf8");
  if ((await (await fetch(origin)).text()) !== built) {
    await stop();
    throw new Error("the program holds older pages than dist/: build it again");
  }
  return { origin, setUp, stop };
}
