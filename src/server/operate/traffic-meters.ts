import { Counter, Histogram, type Registry } from "prom-client";
import type { AnsweredStatement } from "../../database/database.type.js";
import type { AnsweredOperation, AnsweredRequest } from "./operation.type.js";

/** Callers choose the names of operations: those that come after as many are counted together. */
const MOST_OPERATIONS = 100;
const METHODS = new Set(["GET", "HEAD", "OPTIONS", "POST"]);

const REQUEST_BUCKETS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const STATEMENT_BUCKETS = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5];

/** What is measured when it happens. */
export interface TrafficMeters {
  request(request: AnsweredRequest): void;
  operation(operation: AnsweredOperation): void;
  statement(statement: AnsweredStatement): void;
}

export function createTrafficMeters(registry: Registry): TrafficMeters {
  const registers = [registry];
  const requests = new Histogram({
    registers,
    name: "lookalike_http_request_duration_seconds",
    help: "From the head of a request until its answer is out; 499 when the client went before.",
    labelNames: ["route", "method", "status"],
    buckets: REQUEST_BUCKETS,
  });
  const operations = new Histogram({
    registers,
    name: "lookalike_graphql_operation_duration_seconds",
    help: "Of queries and mutations, from the parsed request until the answer is made.",
    labelNames: ["operation", "outcome"],
    buckets: REQUEST_BUCKETS,
  });
  const errors = new Counter({
    registers,
    name: "lookalike_graphql_errors_total",
    help: "Answers that have an error of this code.",
    labelNames: ["code"],
  });
  const statements = new Histogram({
    registers,
    name: "lookalike_sql_statement_duration_seconds",
    help: "Of this process's SQL statements, by their first word, without the wait for a connection.",
    labelNames: ["kind", "outcome"],
    buckets: STATEMENT_BUCKETS,
  });
  const names = new Set<string>();
  const known = (name: string): string => {
    if (names.has(name)) return name;
    if (names.size >= MOST_OPERATIONS) return "other";
    names.add(name);
    return name;
  };
  return {
    request({ route, method, status, seconds }) {
      requests.observe({ route, method: METHODS.has(method) ? method : "other", status }, seconds);
    },
    operation({ name, seconds, errorCodes }) {
      operations.observe({ operation: known(name), outcome: errorCodes.length > 0 ? "error" : "ok" }, seconds);
      for (const code of errorCodes) errors.inc({ code });
    },
    statement({ kind, seconds, failed }) {
      statements.observe({ kind, outcome: failed ? "error" : "ok" }, seconds);
    },
  };
}
