/**
 * Framing of the Postgres wire protocol, version 3
 * (https://www.postgresql.org/docs/current/protocol-message-formats.html): as much of it as is needed to hand whole
 * units of work from one client to a database that has a single session.
 */

/** Messages after which the server answers: Query, Sync, Flush, Function call, CopyDone, CopyFail. */
const ENDS_UNIT = new Set([..."QSHFcf"].map((letter) => letter.charCodeAt(0)));
const QUERY = "Q".charCodeAt(0);
const PARSE = "P".charCodeAt(0);
const TERMINATE = "X".charCodeAt(0);
const READY_FOR_QUERY = "Z".charCodeAt(0);
const NOTIFICATION = "A".charCodeAt(0);
const IDLE = "I".charCodeAt(0);

const SSL_REQUEST = 80_877_103;
const GSS_REQUEST = 80_877_104;
const CANCEL_REQUEST = 80_877_102;

export const SYNC = Buffer.from([0x53, 0, 0, 0, 4]);
export const ROLLBACK = simpleQuery("ROLLBACK");

/** Fails, and with it the transaction around it, as a refused COPY would. */
export const REFUSE_COPY = simpleQuery(
  "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '0A000', " +
    "MESSAGE = 'the embedded database cannot COPY FROM STDIN', HINT = 'Use INSERT.'; END $$",
);

/** A Query message of the simple protocol. */
export function simpleQuery(text: string): Buffer {
  const body = Buffer.from(`${text}\0`);
  const message = Buffer.alloc(5 + body.length);
  message[0] = 0x51;
  message.writeInt32BE(4 + body.length, 1);
  body.copy(message, 5);
  return message;
}

/** An ErrorResponse of severity FATAL, as a server sends it before it closes a connection. */
export function fatalError(sqlState: string, text: string): Buffer {
  const fields = Buffer.from(`SFATAL\0VFATAL\0C${sqlState}\0M${text}\0\0`);
  const message = Buffer.alloc(5 + fields.length);
  message[0] = 0x45;
  message.writeInt32BE(4 + fields.length, 1);
  fields.copy(message, 5);
  return message;
}

/** What a client asks for: encryption (refused), its end, or one unit of work for the session. */
export type ClientRequest =
  | { readonly kind: "encryption" }
  | { readonly kind: "end" }
  | { readonly kind: "unit"; readonly bytes: Buffer };

/** Cuts the bytes of one client into requests. A unit is everything up to a message that the server answers. */
export function createClientReader(): (chunk: Buffer) => ClientRequest[] {
  const arrived = createChunks();
  let parts: Buffer[] = [];
  let started = false;

  const startup = (): ClientRequest | undefined => {
    const head = arrived.peek(8);
    const packet = head && arrived.take(head.readInt32BE(0));
    if (!packet) return undefined;
    const code = packet.readInt32BE(4);
    if (code === SSL_REQUEST || code === GSS_REQUEST) return { kind: "encryption" };
    if (code === CANCEL_REQUEST) return { kind: "end" };
    started = true;
    return { kind: "unit", bytes: packet };
  };

  const next = (): ClientRequest | undefined => {
    if (!started) return startup();
    for (;;) {
      const head = arrived.peek(5);
      const message = head && arrived.take(1 + head.readInt32BE(1));
      if (!message) return undefined;
      if (message[0] === TERMINATE) return { kind: "end" };
      parts.push(message);
      if (ENDS_UNIT.has(message[0]!)) {
        const bytes = Buffer.concat(parts);
        parts = [];
        return { kind: "unit", bytes };
      }
    }
  };

  return (chunk) => {
    arrived.add(chunk);
    const requests: ClientRequest[] = [];
    for (let request = next(); request !== undefined; request = next()) requests.push(request);
    return requests;
  };
}

/** Bytes in the order in which they came, joined only when a whole message is there: joining at each chunk is n². */
function createChunks() {
  let chunks: Buffer[] = [];
  let size = 0;
  const joined = (): Buffer => {
    if (chunks.length > 1) chunks = [Buffer.concat(chunks)];
    return chunks[0]!;
  };
  return {
    add(chunk: Buffer): void {
      chunks.push(chunk);
      size += chunk.length;
    },
    /** The first bytes, left where they are; undefined while there are fewer. */
    peek(length: number): Buffer | undefined {
      if (size < length) return undefined;
      const first = chunks[0]!;
      return first.length >= length ? first : joined();
    },
    /** The first bytes, removed; undefined while there are fewer. */
    take(length: number): Buffer | undefined {
      if (size < length) return undefined;
      const all = chunks[0]!.length >= length ? chunks[0]! : joined();
      size -= length;
      const rest = all.subarray(length);
      chunks = rest.length > 0 ? [rest, ...chunks.slice(1)] : chunks.slice(1);
      return all.subarray(0, length);
    },
  };
}

/**
 * Whether a unit asks to read rows from its client, which the embedded database does not survive: it waits for input
 * on a stream that it does not have, and exits.
 */
export function copiesFromClient(unit: Buffer): boolean {
  for (let at = 0; at + 5 <= unit.length; ) {
    const end = at + 1 + unit.readInt32BE(at + 1);
    const type = unit[at];
    if (type === QUERY || type === PARSE) {
      const start = type === PARSE ? unit.indexOf(0, at + 5) + 1 : at + 5;
      const text = unit.toString("latin1", start, unit.indexOf(0, start));
      if (/stdin/i.test(text) && /(^|;|\*\/|\n)\s*copy\s[^;]*\bfrom\s+stdin\b/i.test(text)) return true;
    }
    at = end;
  }
  return false;
}

export interface Answer {
  /** The session stands outside of any transaction after this answer. */
  readonly idle: boolean;
  /** The answer ended with ReadyForQuery; false after a Flush, when the client's unit goes on. */
  readonly ready: boolean;
  /** Notifications inside the answer, which every client must see. */
  readonly notifications: readonly Buffer[];
}

/** Reads what the server said about its state. */
export function readAnswer(bytes: Buffer): Answer {
  let state: number | undefined;
  const notifications: Buffer[] = [];
  for (let at = 0; at + 5 <= bytes.length; ) {
    const end = at + 1 + bytes.readUInt32BE(at + 1);
    if (bytes[at] === READY_FOR_QUERY) state = bytes[at + 5];
    if (bytes[at] === NOTIFICATION) notifications.push(bytes.subarray(at, end));
    at = end;
  }
  return { idle: state === IDLE, ready: state !== undefined, notifications };
}
