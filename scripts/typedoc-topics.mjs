// A plugin of TypeDoc: puts what is exported into topics, by the folder of lib/ where it is declared.
import { Comment, CommentTag, Converter, ReflectionKind } from 'typedoc';

/** @type {Readonly<Record<string, string>>} */
const topics = {
  model: 'Models and checkpoints',
  'io/checkpoint': 'Models and checkpoints',
  data: 'Data',
  objective: 'Objectives and losses',
  directions: 'Directions',
  landscape: 'Landscapes',
  geometry: 'Basins, connections and shape',
  connectivity: 'Basins, connections and shape',
  operators: 'Operators',
  spectrum: 'Spectra',
  generalization: 'Comparisons',
  evaluation: 'Comparisons',
  tracks: 'Training',
  training: 'Training',
  io: 'Results and files',
  inspect: 'Results and files',
  results: 'Results and files',
  plot: 'Figures and reports',
  report: 'Figures and reports',
};

/** @param {import('typedoc').Application} app */
export function load(app) {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, (context) => {
    const children = context.project.children ?? [];
    const exported = children.flatMap((child) =>
      child.kindOf(ReflectionKind.Module) ? (child.children ?? []) : [child],
    );
    for (const reflection of exported) {
      const carriers = reflection.kindOf(ReflectionKind.Function)
        ? (reflection.signatures ?? [])
        : [reflection];
      const file =
        context.project.getSymbolIdFromReflection(reflection)?.packagePath.replace(/^lib\//, '') ?? '';
      const folder = Object.keys(topics).find((name) => file.startsWith(`${name}/`) || file === `${name}.ts`);
      const topic = topics[folder ?? ''] ?? 'General';
      for (const carrier of carriers) {
        carrier.comment ??= new Comment();
        carrier.comment.blockTags.push(new CommentTag('@category', [{ kind: 'text', text: topic }]));
      }
    }
    for (const document of context.project.documents ?? []) {
      const text = document.content.map((part) => part.text).join('');
      document.name = /^# (.*)$/m.exec(text)?.[1] ?? document.name;
    }
  });
}
