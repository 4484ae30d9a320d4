#!/usr/bin/env node
// `liaison-ts build` and `liaison-ts test`: from TypeScript to a component, or to Node's own
// test runner. `liaison-ts types` writes what the contract's interfaces are in TypeScript,
// from the WIT text, for those who work on this package.
//
// The folder holds `connector.json` and the module that exports `connector`. The component
// has no manifest yet: `liaison connector pack` puts it in, and judges what came out. Types
// are checked by `tsc`, not here.

import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

import { build as bundle } from "esbuild";

const PACKAGE = dirname(dirname(fileURLToPath(import.meta.url)));
const WORLD = "component";
/** With all of them off, a component imports nothing but the contract. */
const FEATURES = ["random", "stdio", "clocks", "http", "fetch-event"];
const IMPORTS = ["log", "clock", "random", "http"];
/** What a component imports only where its connector uses the module of that name. */
const IMPORTS_ON_DEMAND = ["files", "mail", "crypto"];
const USAGE = `usage: liaison-ts build [FOLDER] [--module connector.ts] [--to FILE]
       liaison-ts test [FOLDER]
       liaison-ts types`;

async function main() {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { module: { type: "string", default: "connector.ts" }, to: { type: "string" } },
  });
  const [command, folder = "."] = positionals;
  const scratch = mkdtempSync(join(tmpdir(), "liaison-ts-"));
  try {
    if (command === "build") return await build(resolve(folder), values, scratch);
    if (command === "test") return await test(resolve(folder), scratch);
    if (command === "types") return types();
  } finally {
    rmSync(scratch, { recursive: true });
  }
  console.error(USAGE);
  return 2;
}

async function build(folder, { module, to }, scratch) {
  const source = join(folder, module);
  const { names, imports } = await abilities(source, scratch);
  const script = join(scratch, "component.js");
  await bundle({
    ...settings(folder),
    stdin: { contents: entry(source, names, imports), resolveDir: folder, loader: "ts" },
    external: ["liaison:*"],
    outfile: script,
  });
  const file = to ?? join(folder, "target", `${idOf(folder)}.component.wasm`);
  const { componentize } = await import("@bytecodealliance/componentize-js");
  const made = await componentize({
    sourcePath: script,
    witPath: world(names, imports, scratch),
    worldName: WORLD,
    disableFeatures: FEATURES,
  });
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, made.component);
  console.log(file);
  return 0;
}

/** What the connector is able to do, as it says itself, and what it asks its host for. */
async function abilities(source, scratch) {
  const script = join(scratch, "connector.mjs");
  const contents = `export { connector } from ${JSON.stringify(source)};
    export { interfaces } from ${JSON.stringify(join(PACKAGE, "src", "connector.ts"))};`;
  const { metafile } = await bundle({
    ...settings(dirname(source)),
    stdin: { contents, resolveDir: dirname(source), loader: "ts" },
    outfile: script,
    metafile: true,
  });
  const parts = Object.values(metafile.outputs).flatMap(({ inputs }) => Object.entries(inputs));
  const used = new Set(parts.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([path]) => path));
  const here = dirname(source);
  const uses = (name) => used.has(relative(here, join(PACKAGE, "src", `${name}.ts`)));
  const { connector, interfaces } = await import(pathToFileURL(script));
  const imports = [...IMPORTS, ...IMPORTS_ON_DEMAND.filter(uses)];
  return { names: interfaces(connector), imports };
}

function entry(source, names, imports) {
  const offers = imports.filter((name) => IMPORTS_ON_DEMAND.includes(name)).map((name) => {
    const file = join(PACKAGE, "src", "component", `${name}.ts`);
    return `import { ${name} as ${name}Import } from ${JSON.stringify(file)};
      made.offer({ ${name}: ${name}Import });`;
  });
  const exports = ["connection", ...names].map((name) => `export const ${name} = made.${name}(connector);`);
  return `import { connector } from ${JSON.stringify(source)};
    import * as made from ${JSON.stringify(join(PACKAGE, "src", "component.ts"))};
    ${offers.join("\n")}
    ${exports.join("\n")}`;
}

/** The contract; in a clone it is where the Rust SDK has it. */
function contract() {
  const shipped = join(PACKAGE, "wit");
  return existsSync(shipped) ? shipped : join(PACKAGE, "..", "liaison-sdk", "wit", "since-v0.1.0");
}

function types() {
  const tool = createRequire(import.meta.url).resolve("@bytecodealliance/jco");
  const program = join(dirname(tool), "jco.js");
  const options = ["guest-types", contract(), "-n", "everything", "-o", join(PACKAGE, "types"), "-q"];
  return spawnSync(process.execPath, [program, ...options], { stdio: "inherit" }).status ?? 1;
}

/** The contract with one world more: what this connector exports, and nothing else. */
function world(names, imports, scratch) {
  const wit = join(scratch, "wit");
  cpSync(contract(), wit, { recursive: true });
  const lines = [
    ...imports.map((name) => `  import ${name};`),
    ...["connection", ...names].map((name) => `  export ${name};`),
  ];
  const text = `package liaison:connector@0.1.0;\nworld ${WORLD} {\n${lines.join("\n")}\n}\n`;
  writeFileSync(join(wit, "component.wit"), text);
  return wit;
}

async function test(folder, scratch) {
  const tests = readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith(".test.ts") && !name.includes("node_modules"))
    .map((name) => join(folder, name));
  await bundle({
    ...settings(folder),
    entryPoints: tests,
    outdir: scratch,
    outExtension: { ".js": ".mjs" },
    platform: "node",
    sourcemap: "inline",
  });
  const made = readdirSync(scratch, { recursive: true }).filter((name) => name.endsWith(".mjs"));
  const files = made.map((name) => join(scratch, name));
  const done = spawnSync(process.execPath, ["--enable-source-maps", "--test", ...files], { stdio: "inherit" });
  return done.status ?? 1;
}

/** One module of everything; the package is found even where nobody has installed it. */
function settings(folder) {
  return {
    bundle: true,
    format: "esm",
    target: "es2022",
    absWorkingDir: folder,
    logLevel: "warning",
    alias: {
      "liaison-sdk/testing": join(PACKAGE, "src", "testing.ts"),
      "liaison-sdk": join(PACKAGE, "src", "index.ts"),
    },
  };
}

function idOf(folder) {
  return JSON.parse(readFileSync(join(folder, "connector.json"), "utf8")).id;
}

process.exitCode = await main();
