// The browser that a person has, for Fob to open: Debian's Chromium, driven by playwright-core. It opens the page it is given,
// signs in, consents, waits for Fob's page, writes down what it saw and goes.
//
//   node login.mjs [--user NAME] [--cancel] [--shots PREFIX] [--report FILE] [--dark] [--any-certificate] URL
//
// The report is one JSON object: the last page's title, text and address, what the console complained of, and every address asked.
import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';

const { values: flags, positionals: [url] } = parseArgs({ allowPositionals: true, options: {
  user: { type: 'string', default: 'alice' },
  cancel: { type: 'boolean', default: false },
  dark: { type: 'boolean', default: false },
  'any-certificate': { type: 'boolean', default: false }, // of a server whose authority the test made
  shots: { type: 'string' },
  report: { type: 'string' },
} });

const executablePath = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => path && existsSync(path));
const profile = mkdtempSync(join(tmpdir(), 'fob-e2e-browser-'));
const complaints = [];
const requests = [];
const browser = await chromium.launchPersistentContext(profile, {
  executablePath, headless: true, ignoreHTTPSErrors: flags['any-certificate'], colorScheme: flags.dark ? 'dark' : 'light', viewport: { width: 900, height: 680 },
  args: [...(process.getuid() === 0 ? ['--no-sandbox'] : []), '--disable-gpu', '--disable-quic', '--disable-background-networking'],
});
let step = 0;
let last = {};
let failure = '';
try {
  const page = browser.pages()[0] ?? await browser.newPage();
  page.setDefaultTimeout(30_000);
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (err) => complaints.push(String(err)));
  page.on('request', (request) => requests.push(request.url()));
  const shoot = async (name) => {
    step += 1;
    if (flags.shots) await page.screenshot({ path: `${flags.shots}-${step}-${name}.png` });
  };
  await page.goto(url);
  // Each turn looks at what is asked and answers it; a login has at most a handful.
  for (let turn = 0; turn < 8; turn += 1) {
    await page.waitForFunction(() => document.readyState === 'complete' && document.querySelector('h1'));
    if (/ · Fob$/.test(await page.title())) break;
    const cancel = page.getByRole('button', { name: 'Cancel' });
    const allow = page.getByRole('button', { name: 'Allow' });
    const account = page.locator(`button[name="account"][value="${flags.user}"]`);
    const typed = page.locator('input[name="login"], input[name="username"]');
    let answer;
    if (flags.cancel && await cancel.count()) {
      await shoot('asked');
      answer = cancel;
    } else if (await allow.count()) {
      await shoot('consent');
      answer = allow;
    } else if (await account.count()) {
      await shoot('login');
      answer = account;
    } else if (await typed.count()) {
      await typed.fill(flags.user);
      await page.locator('input[name="password"]').fill('secret of the person');
      await shoot('login');
      answer = page.getByRole('button', { name: 'Sign in' });
    } else {
      throw new Error(`stuck at ${page.url()}: ${await page.locator('body').innerText()}`);
    }
    const before = page.url();
    await answer.first().click();
    await page.waitForFunction((was) => location.href !== was && document.readyState === 'complete', before);
  }
  await shoot('end');
  last = { title: await page.title(), text: await page.locator('body').innerText(), address: page.url() };
} catch (err) {
  failure = String(err);
}
await browser.close();
rmSync(profile, { recursive: true, force: true });
if (flags.report) { // whole or not at all: the test waits for the file
  writeFileSync(`${flags.report}.new`, JSON.stringify({ ...last, complaints, requests, failure }));
  renameSync(`${flags.report}.new`, flags.report);
}
process.exit(failure ? 1 : 0);
