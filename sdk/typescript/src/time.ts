/** Instants as microseconds since 1970, from RFC 3339 text and back. A `number` holds them
 * exactly until the year 2255; what is later is refused. */

/** Microseconds of a second. */
export const SECOND_MICROS = 1_000_000;
/** Microseconds of a day. */
export const DAY_MICROS = 86_400 * SECOND_MICROS;

const INSTANT =
  /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))$/;

/** An instant from RFC 3339 text. A space in place of the `T` is taken too, since vendors
 * write it; text without an offset is not, since it is no instant. What is finer than a
 * microsecond is cut off. */
export function parse(text: string): number | undefined {
  const found = INSTANT.exec(text);
  if (found === null) return undefined;
  const part = (at: number): number => Number(found[at] ?? "0");
  const [year, month, day] = [part(1), part(2), part(3)];
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const exists = date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  const [hour, minute, second] = [part(4), part(5), part(6)];
  const fits = hour < 24 && minute < 60 && second <= 60 && part(9) < 24 && part(10) < 60;
  if (!exists || !fits) return undefined;
  const offset = (found[8] === "-" ? -1 : 1) * (part(9) * 60 + part(10));
  const seconds = date.getTime() / 1_000 + hour * 3_600 + minute * 60 + second - offset * 60;
  const instant = seconds * SECOND_MICROS + Number(`${found[7] ?? ""}000000`.slice(0, 6));
  return Number.isSafeInteger(instant) ? instant : undefined;
}

/** An instant as RFC 3339 text in UTC, with as much of a fraction as it has. */
export function format(instant: number): string {
  const seconds = Math.floor(instant / SECOND_MICROS);
  const micros = instant - seconds * SECOND_MICROS;
  const text = new Date(seconds * 1_000).toISOString().replace(/\.000Z$/, "");
  const fraction = micros === 0 ? "" : `.${String(micros).padStart(6, "0")}`.replace(/0+$/, "");
  return `${text}${fraction}Z`;
}
