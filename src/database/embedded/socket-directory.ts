import { createHash } from "node:crypto";
import { lstatSync, mkdirSync, realpathSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import path from "node:path";
import { LookalikeError } from "../../errors.js";

/** The name under which `pg` looks for a socket in a folder. */
export const SOCKET_NAME = ".s.PGSQL.5432";

/** sun_path holds 108 bytes on Linux and 104 on macOS, with the closing zero. */
const LONGEST_SOCKET_PATH = 103;

/** The place for the socket is not this user's alone, so that somebody else could pose as the database. */
export class UnsafeSocketDirectory extends LookalikeError {
  readonly code = "UNSAFE_SOCKET_DIRECTORY";

  constructor(folder: string) {
    super(`${folder} must be a folder that belongs to this user with mode 0700. Remove it or correct its rights.`);
  }
}

/**
 * The private folder of the socket of one data folder, created if need be. It lies outside of the data folder because
 * socket paths are limited to about a hundred bytes, and its name follows from the data folder so that processes find
 * the socket again after the host was restarted.
 */
export function socketDirectoryFor(dataFolder: string): string {
  const name = createHash("sha256").update(realpathSync(dataFolder)).digest("hex").slice(0, 16);
  const user = `lookalike-${userInfo().uid}`;
  const preferred = path.join(tmpdir(), user, name);
  const fits = Buffer.byteLength(path.join(preferred, SOCKET_NAME)) <= LONGEST_SOCKET_PATH;
  const folder = fits ? preferred : path.join("/tmp", user, name);
  makePrivate(path.dirname(folder));
  makePrivate(folder);
  return folder;
}

function makePrivate(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const found = lstatSync(folder);
  const { uid } = userInfo();
  // Windows has neither; its sockets follow the rights of the user's own temporary folder.
  if (uid < 0) return;
  if (!found.isDirectory() || found.uid !== uid || (found.mode & 0o077) !== 0) throw new UnsafeSocketDirectory(folder);
}
