import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { suite, test } from 'node:test';
import { loadConfig } from '../../../../src/config/load.ts';
import { presetRoutes } from '../../../../src/config/preset-routes.ts';
import { routeMistakes } from '../../../../src/config/routes.ts';
import { PRESETS } from '../../../../src/decode/presets/table.ts';
import { presetYaml } from '../../../../src/preset-manual.ts';
import { yamlFile } from '../../config/yaml-file.ts';
import { become, pointsOf } from './preset-points.ts';

for (const preset of PRESETS) {
  suite(`preset ${preset.name}`, () => {
    const isOpen = preset.routes.some(({ topic }) => topic === undefined);
    const item = { preset: preset.name, ...(isOpen ? { topic: '#' } : {}) };

    test('has a test of its own', () => {
      const file = `${preset.name.replaceAll('_', '-')}.test.ts`;
      assert.ok(existsSync(new URL(file, import.meta.url)), file);
    });

    test('has routes that a configuration may have', () => {
      const routes = presetRoutes(preset, isOpen ? { topic: '#' } : {});
      assert.equal(routes.length, preset.routes.length);
      assert.deepEqual(routeMistakes(routes), []);
    });

    test('is printed as it would be written in a configuration', { skip: isOpen }, (t) => {
      const yaml = `database: {url: "postgres://localhost/db"}\n${presetYaml(preset)}`;
      assert.deepEqual(loadConfig({ file: yamlFile(t, yaml), env: {} }).routes, presetRoutes(preset));
    });

    test('has examples, none of which is a dead letter', () => {
      const counts = preset.examples.map(({ topic, payload }) => pointsOf(item, topic, payload).length);
      assert.ok(counts.some((count) => count > 0));
    });

    test('says what it is and where its makers describe it', () => {
      assert.ok(preset.about.length > 80);
      assert.match(preset.reference, /^https:\/\//);
      assert.match(preset.name, /^[a-z][a-z0-9_]*$/);
    });

    if (preset.recognises !== undefined && preset.base === null && preset.routes.length === 1) {
      test('has a route for the topics that it is recognised under, whichever', () => {
        assert.deepEqual(routeMistakes(presetRoutes(preset, { topic: 'anywhere/+' })), []);
      });
    }

    if (preset.base !== null && preset.base !== '') {
      test('has the same points under another base', () => {
        for (const { topic, payload } of preset.examples) {
          const moved = topic.replace(new RegExp(`^${preset.base}(?=/)`), 'site/a');
          assert.deepEqual(
            become({ ...item, base: 'site/a' }, moved, payload),
            become(item, topic, payload),
            moved,
          );
        }
      });
    }
  });
}
