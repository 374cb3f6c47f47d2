import {
  type ConstDirectiveNode,
  type DocumentNode,
  type FragmentDefinitionNode,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isCompositeType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from "graphql";

/** What `@cacheControl` says about a field or a type. */
interface CacheHint {
  readonly maxAge?: number;
  readonly inheritMaxAge: boolean;
}

/**
 * How long an operation's answer may be kept, in seconds: the shortest time of its fields, by the rules of Apollo Server's
 * `@cacheControl`. A field without a hint that answers with an object, or that stands at the root, has none, unless its
 * type inherits. It follows from the operation alone, so it is found once an operation and costs its answers nothing;
 * Apollo's own plugin looks at every field of every answer (docs/decisions/216).
 */
export function createCachePolicy(schema: GraphQLSchema): (document: DocumentNode, operation: string | null) => number {
  const known = new WeakMap<DocumentNode, Map<string | null, number>>();
  return (document, operation) => {
    const ofDocument = known.get(document) ?? new Map<string | null, number>();
    known.set(document, ofDocument);
    const found = ofDocument.get(operation) ?? secondsOf(schema, document, operation);
    ofDocument.set(operation, found);
    return found;
  };
}

function secondsOf(schema: GraphQLSchema, document: DocumentNode, name: string | null): number {
  const operation = document.definitions.find(
    (definition): definition is OperationDefinitionNode =>
      definition.kind === Kind.OPERATION_DEFINITION && (name === null || definition.name?.value === name),
  );
  const root = schema.getQueryType();
  if (operation?.operation !== "query" || !root) return 0;
  const fragments = new Map(
    document.definitions.flatMap((definition) =>
      definition.kind === Kind.FRAGMENT_DEFINITION ? [[definition.name.value, definition] as const] : [],
    ),
  );
  const seconds = shortest(operation.selectionSet, root, { schema, root, fragments, seen: new Set() });
  return Number.isFinite(seconds) ? seconds : 0;
}

interface Walk {
  readonly schema: GraphQLSchema;
  readonly root: GraphQLObjectType;
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  /** A fragment says the same wherever it is used, so that fragments of fragments are not walked twice. */
  readonly seen: Set<string>;
}

function shortest(selections: SelectionSetNode, parent: GraphQLNamedType, walk: Walk): number {
  let seconds = Number.POSITIVE_INFINITY;
  for (const selection of selections.selections) {
    if (selection.kind === Kind.FIELD) {
      seconds = Math.min(seconds, ofField(selection.name.value, parent, walk));
      const below = isObjectType(parent) ? parent.getFields()[selection.name.value]?.type : undefined;
      if (selection.selectionSet && below) {
        seconds = Math.min(seconds, shortest(selection.selectionSet, getNamedType(below), walk));
      }
      continue;
    }
    const fragment = selection.kind === Kind.FRAGMENT_SPREAD ? walk.fragments.get(selection.name.value) : selection;
    if (!fragment || (selection.kind === Kind.FRAGMENT_SPREAD && walk.seen.has(selection.name.value))) continue;
    if (selection.kind === Kind.FRAGMENT_SPREAD) walk.seen.add(selection.name.value);
    const condition = fragment.typeCondition && walk.schema.getType(fragment.typeCondition.name.value);
    seconds = Math.min(seconds, shortest(fragment.selectionSet, condition ?? parent, walk));
  }
  return seconds;
}

/** What is unknown here, introspection and the fields of interfaces, is not kept. */
function ofField(name: string, parent: GraphQLNamedType, { root }: Walk): number {
  if (name === "__typename") return Number.POSITIVE_INFINITY;
  const field = isObjectType(parent) ? parent.getFields()[name] : undefined;
  if (!field) return 0;
  const type = getNamedType(field.type);
  const onField = hintIn(field.astNode?.directives);
  const onType = isCompositeType(type) ? hintIn(type.astNode?.directives) : undefined;
  const maxAge = onField?.maxAge ?? onType?.maxAge;
  if (maxAge !== undefined) return maxAge;
  const inherits = onField?.inheritMaxAge === true || onType?.inheritMaxAge === true;
  const needsOne = parent === root || (isCompositeType(type) && !inherits);
  return needsOne ? 0 : Number.POSITIVE_INFINITY;
}

function hintIn(directives: readonly ConstDirectiveNode[] | undefined): CacheHint | undefined {
  const directive = directives?.find(({ name }) => name.value === "cacheControl");
  if (!directive) return undefined;
  const argumentOf = (name: string) => directive.arguments?.find((argument) => argument.name.value === name)?.value;
  const maxAge = argumentOf("maxAge");
  const inherit = argumentOf("inheritMaxAge");
  return {
    ...(maxAge?.kind === Kind.INT ? { maxAge: Number(maxAge.value) } : {}),
    inheritMaxAge: inherit?.kind === Kind.BOOLEAN && inherit.value,
  };
}
