export type * from "./snapshot.type.js";
export { createSnapshotBuilder, type SnapshotBuilder, type SnapshotBuilderDependencies } from "./snapshot-builder.js";
