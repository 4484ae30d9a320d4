/** The host as the contract's imports: those that every component has. */

import * as witClock from "liaison:connector/clock@0.1.0";
import * as witHttp from "liaison:connector/http@0.1.0";
import * as witLog from "liaison:connector/log@0.1.0";
import * as witRandom from "liaison:connector/random@0.1.0";

import { Fault } from "../fault.ts";
import type { FaultCode } from "../fault.ts";
import type { Answered, Host, Level, Sent } from "../host.ts";

/** An error of any of the imports. */
interface Trouble {
  readonly tag: string;
  readonly val?: string | number | bigint;
}

const HTTP: Readonly<Record<string, FaultCode>> = {
  denied: "host-denied",
  timeout: "timeout",
  connect: "unreachable",
  "too-large": "limit",
  "budget-exhausted": "limit",
  invalid: "bug",
  credential: "auth",
  // It may have had an effect, just as after a timeout.
  broken: "timeout",
};

/** What the host answers, or the fault that its error stands for. */
export function asked<T>(codes: Readonly<Record<string, FaultCode>>, ask: () => T): T {
  try {
    return ask();
  } catch (error) {
    const { tag, val } = (error as { payload?: Trouble }).payload ?? (error as Trouble);
    const fault = new Fault(codes[tag] ?? "not-supported");
    if (tag === "too-large") throw fault.with("bytes-max", String(val));
    if (tag === "budget-exhausted") throw fault.with("why", "requests per call");
    if (tag === "deferred" || tag === "refused") {
      throw fault.vendor(/^\d*/.exec(String(val))?.[0] ?? "", String(val));
    }
    throw val === undefined ? fault : fault.with("why", String(val));
  }
}

/** The host of a component. */
export const IMPORTS: Host = {
  send(request: Sent): Answered {
    const headers = request.headers.map(([name, value]) => ({ name, value }));
    const answer = asked(HTTP, () => witHttp.send({ ...request, headers }));
    return { ...answer, headers: answer.headers.map(({ name, value }) => [name, value]) };
  },
  log: (level: Level, message: string): void => witLog.write(level, message),
  now: (): number => Number(witClock.now()),
  random: (count: number): Uint8Array => witRandom.bytes(count),
};
