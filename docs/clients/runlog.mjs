// Runs a program on Runlog as if it ran here: node runlog.mjs LANG FILE <input
//
// RUNLOG_URL says where Runlog is. Node 18 or later, without packages.

import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const URL = process.env.RUNLOG_URL ?? "http://127.0.0.1:3005";
const WAIT = 30; // seconds for which the server may hold a question for the result
const PATIENCE = 300; // seconds of being put off after which this gives up

// The answer as a value, and after how many seconds to ask again (0: at once). A body makes it a POST.
//
// Tries again as long as the server says that it cannot answer now. When the connection breaks, only a question is repeated: a
// submission may have been accepted, and would be executed twice.
async function ask(path, body) {
  const giveUp = performance.now() + PATIENCE * 1000;
  for (;;) {
    let pause = 1;
    let said;
    try {
      const answer = await fetch(URL + path, {
        method: body === undefined ? "GET" : "POST",
        headers: { "Content-Type": "application/json" },
        body,
        signal: AbortSignal.timeout((WAIT + 30) * 1000),
      });
      const retryAfter = answer.headers.get("Retry-After");
      said = await answer.text();
      if (answer.ok) return [JSON.parse(said), Number(retryAfter ?? 0)];
      if (![408, 429, 503].includes(answer.status)) throw new Refusal(`refused with ${answer.status}: ${said}`);
      pause = Number(retryAfter ?? 1);
    } catch (failure) {
      if (failure instanceof Refusal) throw failure;
      said = `${failure} ${failure.cause ?? ""}`;
      if (body !== undefined) throw new Refusal(`not known to be accepted: ${said}`);
    }
    if (performance.now() + pause * 1000 > giveUp) throw new Refusal(`no answer for ${PATIENCE} s; the last: ${said}`);
    await sleep(pause * 1000);
  }
}

class Refusal extends Error {}

// The result of a program.
async function run(lang, code, stdInput) {
  const [accepted] = await ask("/api/submit", JSON.stringify({ lang, code, stdInput }));
  for (;;) {
    const [result, pause] = await ask(`/api/result/${accepted.codeSubmissionId}?wait=${WAIT}`);
    if (result.status === "completed") return result;
    await sleep(pause * 1000);
  }
}

const [lang, file, ...more] = process.argv.slice(2);
if (!file || more.length > 0) {
  console.error("usage: runlog.mjs LANG FILE <input");
  process.exit(1);
}
try {
  const result = await run(lang, readFileSync(file, "utf8"), readFileSync(0, "utf8"));
  process.stdout.write(result.stdOutput);
  process.stderr.write(result.stdError);
  if (result.verdict !== "OK") console.error(result.verdict);
  process.exitCode = result.exitCode ?? 1;
} catch (failure) {
  console.error(failure.message);
  process.exitCode = 1;
}
