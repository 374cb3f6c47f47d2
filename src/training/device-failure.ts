import { messageOf } from "../errors.js";
import { DeviceCannotRun } from "./training.errors.js";

/** What the runtime says of a node that failed, as an error that names it; any other error as it is. */
export function deviceFailure(device: string, error: unknown): unknown {
  const [, operator, node, reason] =
    /while running (\S+) node\. Name:'([^']*)' Status Message: (.*)/.exec(messageOf(error)) ?? [];
  if (operator === undefined || node === undefined || reason === undefined) return error;
  // In front stand the runtime's own file, line and condition.
  const plain = reason.replace(/^.* was false\. /, "").replace(/\.$/, "");
  return new DeviceCannotRun(device, operator, node, plain, { cause: error });
}
