/** What is read of an OpenAPI 3.1 document. */
export interface Document {
  info: { title: string; version: string; description?: string };
  paths: Record<string, Partial<Record<Method, Operation>>>;
  components?: { schemas?: Record<string, Schema> };
}
export const METHODS = ["get", "post", "put", "patch", "delete"] as const;
export type Method = (typeof METHODS)[number];

export interface Operation {
  operationId: string;
  tags?: string[];
  summary?: string;
  description?: string;
  security?: Record<string, string[]>[];
  parameters?: Parameter[];
  requestBody?: { content: Record<string, { schema?: Schema }> };
  responses: Record<string, { description?: string; content?: Record<string, { schema?: Schema }> }>;
}

export interface Parameter {
  name: string;
  in: string;
  required?: boolean;
  description?: string;
  schema?: Schema;
}

export interface Schema {
  $ref?: string;
  type?: string | string[];
  format?: string;
  enum?: unknown[];
  description?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  oneOf?: Schema[];
  anyOf?: Schema[];
  allOf?: Schema[];
  additionalProperties?: Schema | boolean;
}

/** An operation with where it stands. */
export interface Listed extends Operation {
  method: Method;
  path: string;
}

/** All operations by their tag, in the document's order. */
export function byTag(document: Document): [string, Listed[]][] {
  const tags = new Map<string, Listed[]>();
  for (const [path, item] of Object.entries(document.paths)) {
    for (const method of METHODS) {
      const operation = item[method];
      if (!operation) continue;
      const tag = operation.tags?.[0] ?? "";
      tags.set(tag, [...(tags.get(tag) ?? []), { ...operation, method, path }]);
    }
  }
  return [...tags].sort(([one], [other]) => one.localeCompare(other));
}

/** Whether an operation holds all words that are looked for. */
export function holds({ method, path, operationId, summary, description }: Listed, words: string): boolean {
  const text = [method, path, operationId, summary, description].join(" ").toLowerCase();
  return words.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

/** The name of the schema something refers to. */
export const nameOf = (schema: Schema) => schema.$ref?.split("/").at(-1);

/** A schema's type in a few words: `TenantId[]`, `string | null`. */
export function typeOf(schema: Schema | undefined): string {
  if (!schema) return "";
  const name = nameOf(schema);
  if (name) return name;
  const several = schema.oneOf ?? schema.anyOf;
  if (several) return several.map(typeOf).join(" | ");
  if (schema.allOf) return schema.allOf.map(typeOf).join(" & ");
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  const types = [schema.type ?? []].flat();
  const words = types.map((type) => (type === "array" ? `${wrapped(typeOf(schema.items))}[]` : type === "string" && schema.format ? `string (${schema.format})` : type));
  return words.join(" | ") || "any";
}
const wrapped = (type: string) => (type.includes(" ") ? `(${type})` : type);

/** Schemas a schema names, itself and what its parts name, each once. */
export function namedIn(document: Document, schema: Schema | undefined, found = new Map<string, Schema>()): Map<string, Schema> {
  if (!schema) return found;
  const name = nameOf(schema);
  if (name) {
    const meant = document.components?.schemas?.[name];
    if (!meant || found.has(name)) return found;
    found.set(name, meant);
    return namedIn(document, meant, found);
  }
  const parts = [...Object.values(schema.properties ?? {}), ...(schema.oneOf ?? []), ...(schema.anyOf ?? []), ...(schema.allOf ?? []), schema.items, typeof schema.additionalProperties === "object" ? schema.additionalProperties : undefined];
  for (const part of parts) namedIn(document, part, found);
  return found;
}

/** The properties of a schema, those of its parts included. */
export function propertiesOf(schema: Schema): { name: string; schema: Schema; required: boolean }[] {
  const own = Object.entries(schema.properties ?? {}).map(([name, property]) => ({ name, schema: property, required: schema.required?.includes(name) ?? false }));
  return [...own, ...(schema.allOf ?? []).filter((part) => !part.$ref).flatMap(propertiesOf)];
}
