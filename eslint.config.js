import { readdirSync } from 'node:fs';
import js from '@eslint/js';
import { defineConfig } from 'eslint/config';
import prettier from 'eslint-config-prettier';
import tseslint from 'typescript-eslint';

// The arrows of the architecture: what each folder of lib/ may import besides itself and the leaves.
// cli -> report -> plot; cli -> io, geometry -> landscape; cli -> connectivity -> landscape, training; cli -> tracks -> evaluation; cli -> generalization, tracks, training, inspect -> spectrum -> operators, directions -> objective -> model, data -> native; model, data, directions, evaluation, training -> io (files) -> native (memory)
const foundation = ['objective', 'model', 'data', 'native'];
const analyses = ['operators', 'directions', ...foundation];
const layers = {
  cli: [
    'report',
    'plot',
    'io',
    'inspect',
    'evaluation',
    'tracks',
    'training',
    'connectivity',
    'geometry',
    'landscape',
    'generalization',
    'spectrum',
    ...analyses,
  ],
  report: ['plot', 'io', 'spectrum'],
  io: ['plot', 'native'],
  plot: [],
  connectivity: ['io', 'landscape', 'training', ...analyses],
  geometry: ['io', 'landscape', 'spectrum', ...analyses],
  landscape: ['io', 'spectrum', ...analyses],
  generalization: ['spectrum', ...analyses],
  evaluation: ['io', ...foundation],
  tracks: ['io', 'evaluation', 'spectrum', ...analyses],
  training: ['io', ...foundation],
  inspect: ['io', 'model', 'data', 'native'],
  spectrum: ['io', ...analyses],
  operators: foundation,
  directions: [...foundation, 'io'],
  objective: ['model', 'data', 'native'],
  model: ['io', 'native'],
  data: ['io', 'native'],
  native: [],
};
const leaves = [
  'errors',
  'explosion',
  'hash',
  'markdown',
  'results',
  'steps',
  'types',
  'validate',
  'zip-directory',
];

for (const entry of readdirSync(new URL('lib', import.meta.url), { withFileTypes: true })) {
  if (entry.isDirectory() && !(entry.name in layers) && !leaves.includes(entry.name)) {
    throw new Error(`lib/${entry.name} has no layer: say in eslint.config.js what it may import`);
  }
}

/** Only lib/native opens the addon. */
const addonDoor = { name: 'bindings', message: 'Only lib/native opens the addon.' };

function restrict(files, forbidden, message, paths) {
  const regex = `^\\.{1,2}/(?:\\.\\./)*(?:${forbidden.join('|')})`;
  const patterns = forbidden.length > 0 ? [{ regex, message }] : [];
  return { files, rules: { 'no-restricted-imports': ['error', { paths, patterns }] } };
}

const layerRules = [
  ...Object.entries(layers).map(([layer, allowed]) => {
    const forbidden = Object.keys(layers).filter((other) => other !== layer && !allowed.includes(other));
    const words = allowed.length > 0 ? `the leaves and ${allowed.join(', ')}` : 'the leaves';
    return restrict(
      [`lib/${layer}/**/*.ts`],
      [...forbidden.map((other) => `${other}/`), ...(layer === 'cli' ? [] : ['index\\.js$'])],
      `lib/${layer} may import only ${words}.`,
      layer === 'native' ? [] : [addonDoor],
    );
  }),
  restrict(
    leaves.flatMap((leaf) => [`lib/${leaf}.ts`, `lib/${leaf}/**/*.ts`]),
    [...Object.keys(layers).map((layer) => `${layer}/`), 'index\\.js$'],
    'A leaf imports nothing of ours but other leaves.',
    [addonDoor],
  ),
];

export default defineConfig(
  {
    ignores: [
      'build/',
      'dist/',
      '.test-build/',
      'coverage/',
      'lossatlas-out/',
      'docs/api/',
      'bench/.cache/',
      'test/fixtures/',
    ],
  },
  js.configs.recommended,
  {
    files: ['**/*.{js,mjs,cjs}'],
    // scripts/ is checked by the TypeScript compiler, which knows Node's globals better than a list here would.
    rules: { 'no-undef': 'off' },
  },
  {
    files: ['lib/**/*.ts', 'test/**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: {
        project: ['./tsconfig.json', './tsconfig.viewer.json', './tsconfig.test.json'],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      // Numbers belong into messages.
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      // Indexing a typed array within its bounds gives `number | undefined` under noUncheckedIndexedAccess.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // Loops over flat arrays need their index, and two arrays share one.
      '@typescript-eslint/prefer-for-of': 'off',
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      // chai asserts by property: expect(x).to.be.true
      '@typescript-eslint/no-unused-expressions': 'off',
    },
  },
  ...layerRules,
  prettier,
);
