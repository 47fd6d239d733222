import { LossAtlasError } from '../../errors.js';
import { openSource } from '../../io/file-source.js';
import { ZipArchive } from '../../io/zip.js';
import { Json } from './json.js';

/** What torch.export.save wrote, one model of it. */
export interface ProgramArchive {
  /** Of the file, in bytes. */
  readonly size: number;
  readonly program: Json;
  /** Where the tensors are: name → payload. */
  readonly weights: Json;
  readonly constants: Json;
  /** The bytes of a payload. */
  readonly weight: (pathName: string) => Uint8Array;
  readonly constant: (pathName: string) => Uint8Array;
  /** Which modes the program is right in, where python/lossatlas_export.py found that out. */
  readonly modes: 'both' | 'eval' | null;
}

/** Throws ERR_MODEL_LOAD, ERR_FILE_NOT_FOUND, ERR_FILE_UNREADABLE. */
export async function openProgram(path: string): Promise<ProgramArchive> {
  const source = `'${path}'`;
  const file = await openSource(path);
  const archive = new ZipArchive(file, source, { code: 'ERR_MODEL_LOAD' });
  const fail = (problem: string): never => {
    throw new LossAtlasError('ERR_MODEL_LOAD', `${source}: ${problem}.`);
  };
  const models = [...archive.members.keys()].filter((name) => /^[^/]+\/models\/[^/]+\.json$/.test(name));
  if (models.length === 0) {
    const isOld = archive.members.has('serialized_exported_program.json');
    return fail(
      isOld
        ? 'it was exported by PyTorch before 2.8; load it there with torch.export.load and save it again with a newer one'
        : 'it is no archive of torch.export.save',
    );
  }
  const [, root, model] = /^([^/]+)\/models\/([^/]+)\.json$/.exec(models[0]!)!;
  if (models.length > 1) fail(`it holds ${models.length} models; export one a file`);
  // Bytes are held twice for a while, here and by libtorch: together 4 times the file and 64 MB.
  let budget = 2 * file.size + 32e6;
  const read = (name: string) => {
    const { size } = archive.members.get(name) ?? fail(`it lacks '${name}'`);
    budget -= size;
    if (budget < 0) fail('it unpacks to more than twice its size');
    return archive.read(name);
  };
  const text = (name: string) => Json.parse(Buffer.from(read(name)).toString('utf8'), `${source}: ${name}`);
  const payload = (folder: string) => (pathName: string) => read(`${root!}/data/${folder}/${pathName}`);
  const config = (folder: string) =>
    text(`${root!}/data/${folder}/${model!}_${folder}_config.json`).get('config');
  return {
    size: file.size,
    program: text(models[0]!),
    weights: config('weights'),
    constants: config('constants'),
    weight: payload('weights'),
    constant: payload('constants'),
    modes: archive.members.has(`${root!}/extra/${modesFile}`)
      ? readModes(text(`${root!}/extra/${modesFile}`))
      : null,
  };
}

/** Files of torch.export.save's `extra_files` lie in a folder of their own. */
const modesFile = 'lossatlas.json';

function readModes(note: Json): 'both' | 'eval' {
  const modes = note.get('modes').string();
  return modes === 'both' || modes === 'eval' ? modes : note.fail("a note that says 'both' or 'eval'");
}
