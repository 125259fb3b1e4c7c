// Builds the console into a folder: node build.mjs FOLDER. Installs the packages when they have changed. Of several that run at once one builds, and the others wait for it.
// Ends with 3 where Node is too old or the packages cannot be had, with 1 where the sources have an error.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const MISSING = 3;
const here = dirname(fileURLToPath(import.meta.url));
const out = resolve(process.argv[2] ?? join(here, 'built'));
const lock = `${out}.lock`;
const windows = process.platform === 'win32';

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`Node ${process.versions.node} is too old for the console; it needs 20.19.`);
  process.exit(MISSING);
}

function run(command, args) {
  execFileSync(command, args, { cwd: here, stdio: ['ignore', 'pipe', 'pipe'], shell: windows });
}

function hashOf(files) {
  const hash = createHash('sha256');
  for (const file of files) hash.update(file).update('\0').update(readFileSync(join(here, file)));
  return hash.digest('hex');
}

function sources() {
  const found = readdirSync(join(here, 'src'), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(here.length + 1));
  return ['index.html', 'icon.svg', 'package-lock.json', 'tsconfig.json', 'vite.config.ts', 'build.mjs', ...found].sort();
}

// A lock that nobody has touched for ten minutes was left by a build that was ended.
function hold() {
  mkdirSync(dirname(out), { recursive: true });
  for (;;) {
    try {
      mkdirSync(lock);
      return;
    } catch (taken) {
      if (taken.code !== 'EEXIST') throw taken;
    }
    if (existsSync(lock) && Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now()) > 600_000) rmSync(lock, { recursive: true, force: true });
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  }
}

function install() {
  const wanted = hashOf(['package.json', 'package-lock.json']);
  const mark = join(here, 'node_modules', '.installed');
  if (existsSync(mark) && readFileSync(mark, 'utf8') === wanted) return;
  try {
    run('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts']);
    writeFileSync(mark, wanted);
  } catch (failure) {
    console.error(`The packages of the console cannot be installed: ${failure.stderr?.toString().trim().split('\n').slice(-3).join(' ') || failure.message}`);
    process.exitCode = MISSING;
  }
}

function build() {
  const wanted = hashOf(sources());
  const mark = join(out, '.built');
  if (existsSync(mark) && readFileSync(mark, 'utf8') === wanted) {
    utimesSync(mark, new Date(), new Date());
    return;
  }
  install();
  if (process.exitCode) return;
  try {
    run(process.execPath, [join('node_modules', 'typescript', 'bin', 'tsc'), '--noEmit']);
    run(process.execPath, [join('node_modules', 'vite', 'bin', 'vite.js'), 'build', '--outDir', out, '--logLevel', 'error']);
    writeFileSync(mark, wanted);
  } catch (failure) {
    console.error(`${failure.stdout ?? ''}${failure.stderr ?? failure.message}`);
    process.exitCode = 1;
  }
}

hold();
try {
  build();
} finally {
  rmSync(lock, { recursive: true, force: true });
}
