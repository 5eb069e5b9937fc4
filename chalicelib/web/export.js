// Fetches the list part by part, as the answers' Link headers lead, and saves it as one file. Without this script
// the links would lead to the first part alone: they stay hidden, and the page has a form for the parts.
(() => {
  const status = document.getElementById("export"), said = status.querySelector("p")
  const [again, stop] = status.querySelectorAll("button")
  let job = null

  function say(what) {
    const count = job.rows.toLocaleString(document.documentElement.lang)
    said.textContent = status.dataset[what].replace("{count}", count)
    status.hidden = false
    again.hidden = what !== "failed"
    stop.hidden = !["fetching", "failed"].includes(what)
  }

  function save(parts) {
    const href = URL.createObjectURL(new Blob(parts, { type: "text/csv" }))
    Object.assign(document.createElement("a"), { href, download: "subscribers.csv" }).click()
    setTimeout(() => URL.revokeObjectURL(href), 60_000)
  }

  // What has come stays in `job`, so that after a lost connection it goes on and does not begin anew.
  async function run() {
    const mine = job
    say("fetching")
    try {
      while (mine.next) {
        const answer = await fetch(mine.next, { headers: { Accept: "text/csv" }, signal: mine.stopped.signal })
        if (!answer.ok) throw new Error(answer.status)
        const text = await answer.text()
        mine.parts.push(mine.parts.length ? text.slice(text.indexOf("\n") + 1) : text) // the columns' names once
        mine.rows += text.split("\n").length - 2
        mine.next = answer.headers.get("Link")?.match(/<(.+)>; rel="next"/)?.[1]
        if (job === mine) say("fetching")
      }
      save(mine.parts)
      say("saved")
    } catch {
      say(mine.stopped.signal.aborted ? "stopped" : "failed")
      if (!mine.stopped.signal.aborted) return
    }
    job = null
  }

  document.getElementById("exports").hidden = false
  document.addEventListener("click", event => {
    const link = event.target.closest("[data-export]")
    if (!link) return
    event.preventDefault()
    if (job) return
    job = { next: link.href, parts: [], rows: 0, stopped: new AbortController() }
    run()
  })
  again.addEventListener("click", run)
  stop.addEventListener("click", () => {
    const failed = !again.hidden
    job.stopped.abort()
    if (failed) { say("stopped"); job = null }
  })
})()
