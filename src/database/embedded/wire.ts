/**
 * Framing of the Postgres wire protocol, version 3
 * (https://www.postgresql.org/docs/current/protocol-message-formats.html): as much of it as is needed to hand whole
 * units of work from one client to a database that has a single session.
 */

/** Messages after which the server answers: Query, Sync, Flush, Function call, CopyDone, CopyFail. */
const ENDS_UNIT = new Set([..."QSHFcf"].map((letter) => letter.charCodeAt(0)));
const TERMINATE = "X".charCodeAt(0);
const READY_FOR_QUERY = "Z".charCodeAt(0);
const NOTIFICATION = "A".charCodeAt(0);
const IDLE = "I".charCodeAt(0);

const SSL_REQUEST = 80_877_103;
const GSS_REQUEST = 80_877_104;
const CANCEL_REQUEST = 80_877_102;

export const SYNC = Buffer.from([0x53, 0, 0, 0, 4]);
export const ROLLBACK = simpleQuery("ROLLBACK");

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
  let rest: Buffer = Buffer.alloc(0);
  let parts: Buffer[] = [];
  let started = false;

  function next(): ClientRequest | undefined {
    if (!started) {
      if (rest.length < 8) return undefined;
      const length = rest.readInt32BE(0);
      if (rest.length < length) return undefined;
      const code = rest.readInt32BE(4);
      const bytes = take(length);
      if (code === SSL_REQUEST || code === GSS_REQUEST) return { kind: "encryption" };
      if (code === CANCEL_REQUEST) return { kind: "end" };
      started = true;
      return { kind: "unit", bytes };
    }
    while (rest.length >= 5) {
      const length = 1 + rest.readInt32BE(1);
      if (rest.length < length) return undefined;
      const message = take(length);
      const type = message[0]!;
      if (type === TERMINATE) return { kind: "end" };
      parts.push(message);
      if (ENDS_UNIT.has(type)) {
        const bytes = parts.length === 1 ? message : Buffer.concat(parts);
        parts = [];
        return { kind: "unit", bytes };
      }
    }
    return undefined;
  }

  function take(length: number): Buffer {
    const bytes = rest.subarray(0, length);
    rest = rest.subarray(length);
    return bytes;
  }

  return (chunk) => {
    rest = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    const requests: ClientRequest[] = [];
    for (let request = next(); request !== undefined; request = next()) requests.push(request);
    return requests;
  };
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
