import { resultShapes } from './result-format.js';
import { axisShape } from './shapes/landscape-shapes.js';
import { provenanceShape, recipeShape, sourceShape } from './shapes/provenance-shape.js';
import type { Field, Shape } from './shapes/shape.js';

type Schema = Readonly<Record<string, unknown>>;

/** Written out once. */
const shared: ReadonlyMap<Shape, string> = new Map<Shape, string>([
  [provenanceShape, 'provenance'],
  [recipeShape, 'recipe'],
  [sourceShape, 'source'],
  [axisShape, 'axis'],
  ...Object.entries(resultShapes).map(([kind, shape]) => [shape, kind] as [Shape, string]),
]);

/** JSON Schema (2020-12) of the files that `saveJson` and `saveResult` write, from the tables that they are written by. */
export function resultSchema(): Schema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: 'urn:lossatlas:result',
    title: 'A result of lossatlas',
    description:
      'Current format versions; lossatlas reads older ones too. Arrays of grids are flat: value [j * x.length + i] ' +
      'belongs to (x[i], y[j]).',
    oneOf: Object.keys(resultShapes).map(reference),
    $defs: {
      number: {
        description: 'A float64; what JSON has no number for as text.',
        anyOf: [{ type: 'number' }, { enum: ['NaN', 'Infinity', '-Infinity', '-0'] }],
      },
      float64: listOf(reference('number')),
      ...Object.fromEntries([...shared].map(([shape, name]) => [name, objectOf(shape)])),
    },
  };
}

function fieldSchema(field: Field): Schema {
  if (typeof field === 'object') return structureSchema(field);
  switch (field) {
    case 'number':
      return reference('number');
    case 'float64':
    case 'grid':
      return reference('float64');
    case 'float64[]':
      return listOf(reference('float64'));
    case 'string':
    case 'boolean':
      return { type: field };
    case 'string[]':
      return listOf({ type: 'string' });
    case 'boolean[]':
      return listOf({ type: 'boolean' });
    case 'string|null':
      return { type: ['string', 'null'] };
    case 'number|null':
      return orNull(reference('number'));
    case 'float64|null':
    case 'grid|null':
      return orNull(reference('float64'));
  }
}

function structureSchema(field: Exclude<Field, string>): Schema {
  if ('addedLater' in field) return fieldSchema(field.addedLater);
  if ('object' in field) return shapeSchema(field.object);
  if ('nullable' in field) return orNull(shapeSchema(field.nullable));
  if ('objects' in field) return listOf(shapeSchema(field.objects));
  if ('recordOf' in field) return { type: 'object', additionalProperties: fieldSchema(field.recordOf) };
  if ('listOf' in field) return listOf({ enum: field.listOf });
  if ('oneOf' in field) return { enum: field.oneOf };
  const items = field.tuple.map(shapeSchema);
  return { type: 'array', prefixItems: items, minItems: items.length, items: false };
}

function shapeSchema(shape: Shape): Schema {
  const name = shared.get(shape);
  return name === undefined ? objectOf(shape) : reference(name);
}

function objectOf(shape: Shape): Schema {
  const properties = Object.entries(shape).map(([name, field]) => [name, fieldSchema(field)] as const);
  return {
    type: 'object',
    properties: Object.fromEntries(properties),
    required: Object.keys(shape),
    additionalProperties: false,
  };
}

function listOf(items: Schema): Schema {
  return { type: 'array', items };
}

function orNull(schema: Schema): Schema {
  return { anyOf: [schema, { type: 'null' }] };
}

function reference(name: string): Schema {
  return { $ref: `#/$defs/${name}` };
}
