// Has Lighthouse judge pages, as `{"url": {"category": score}}` on the output, and says on the error
// output why points are missing: `CHROME_PATH=… node pages.mjs performance,seo https://a.example …`.
import * as chrome from "chrome-launcher"
import lighthouse from "lighthouse"
import { pageFunctions } from "lighthouse/core/lib/page-functions.js"

// A telephone is about four times as slow as a fast computer, and no slower than a busy one. By
// Lighthouse's own measure, whose indices these are (its docs/throttling.md).
function slowdown() {
  const index = pageFunctions.computeBenchmarkIndex()
  return index > 1500 ? 4 : index > 800 ? 2 : 1
}

const [categories, ...urls] = process.argv.slice(2)
const browser = await chrome.launch({ chromeFlags: ["--headless=new", "--no-sandbox", "--disable-gpu"] })
const found = {}
for (const url of urls) {
  const { lhr } = await lighthouse(url, {
    port: browser.port,
    logLevel: "error",
    onlyCategories: categories.split(","),
    // It asks for robots.txt from within the page, whose policy forbids that to every script.
    skipAudits: ["robots-txt"],
    throttling: { cpuSlowdownMultiplier: slowdown() },
    disableFullPageScreenshot: true,
  })
  found[url] = Object.fromEntries(Object.values(lhr.categories).map(each => [each.id, each.score]))
  for (const { id, auditRefs } of Object.values(lhr.categories)) {
    const failed = auditRefs.filter(each => each.weight && lhr.audits[each.id].score < 0.9)
    for (const each of failed) {
      const { title, displayValue = "", score } = lhr.audits[each.id]
      const times = lhr.configSettings.throttling.cpuSlowdownMultiplier
      console.error(`${url}: ${id}: ${title} ${displayValue} (${score}, processor ${times} x slower)`)
    }
  }
}
browser.kill()
console.log(JSON.stringify(found))
