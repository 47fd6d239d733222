# A door for users of node-gyp: the build itself is described in CMakeLists.txt alone.
{
  'targets': [
    {
      'target_name': 'lossatlas',
      'type': 'none',
      'actions': [
        {
          'action_name': 'build_with_cmake_js',
          'message': 'Building lossatlas with cmake-js',
          'inputs': ['CMakeLists.txt'],
          # Never made, so the action always runs: build.mjs knows best what is up to date.
          'outputs': ['<(INTERMEDIATE_DIR)/always'],
          'action': ['node', 'scripts/build.mjs', '--native-only'],
        },
      ],
    },
  ],
}
