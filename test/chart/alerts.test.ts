// What the alerts of the chart answer to, judged by Prometheus itself where its promtool is installed
// (`apt-get install prometheus`, or any other way into PATH).
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { stringify } from 'yaml';
import { render } from './helm.ts';
import { notInstalled } from './helm-binaries.ts';

const isThere = spawnSync('promtool', ['--version']).status === 0;
const skip = notInstalled || (isThere ? false : 'promtool is not installed');

function promtool(...args: string[]): Promise<string> {
  return new Promise((resolve) => {
    execFile('promtool', args, (error, stdout, stderr) => {
      resolve(error ? `${stdout}${stderr}` : '');
    });
  });
}

describe('the alerts, as Prometheus sees them', { skip }, () => {
  it('fire when they must, and only then', async () => {
    const objects = await render({ set: ['metrics.prometheusRule.enabled=true'] });
    const rule = objects.find(({ kind }) => kind === 'PrometheusRule');
    const folder = mkdtempSync(join(tmpdir(), 'poolkeeper-alerts-'));
    const rules = join(folder, 'rules.yaml');
    const series = join(folder, 'series.yaml');
    writeFileSync(rules, stringify(rule?.['spec']));
    const text = readFileSync(join(import.meta.dirname, 'alerts.promtool.yaml'), 'utf8');
    writeFileSync(series, text.replace('RULES', rules));
    assert.equal(await promtool('check', 'rules', rules), '');
    assert.equal(await promtool('test', 'rules', series), '');
  });
});
