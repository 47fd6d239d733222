import { withHdf5Session } from './hdf5-session.js';

/** What a data set may hold: numbers, bytes, or one text. */
export type Hdf5Content =
  { readonly shape: readonly number[]; readonly data: Float64Array | Uint8Array } | { readonly text: string };

/**
 * The bytes of an HDF5 file with these data sets, names without slashes, that the library of any program reads. `label` is
 * its attribute `lossatlas`. Throws ERR_INVALID_DATA.
 */
export async function hdf5Bytes(
  contents: ReadonlyMap<string, Hdf5Content>,
  label: string,
): Promise<Uint8Array> {
  return withHdf5Session({ source: 'the HDF5 file', bytes: null }, (session) => {
    const { file, guard } = session;
    guard('the HDF5 file', () => file.create_attribute('lossatlas', label));
    for (const [name, content] of contents) {
      const values = 'text' in content ? { data: content.text } : { ...content, shape: [...content.shape] };
      guard(`the data set '${name}'`, () => file.create_dataset({ name, ...values }));
    }
    return session.finish();
  });
}
