export { type OpenDatabaseOptions, openDatabase } from "./connect.js";
export type { AnsweredStatement, Database, Sql } from "./database.type.js";
export { announceHttpAddress, describeHolder, type Holder } from "./embedded/holder.js";
export type { DataFolderRole } from "./embedded/host.js";
export * from "./errors.js";
export { packageRoot } from "./package-root.js";
