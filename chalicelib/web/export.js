// Fetches the list part by part, as the answers' Link headers lead, and saves it as one file. Without this script
// the links would lead to the first part alone: they stay hidden, and the page has a form for the parts.
(() => {
  const status = document.getElementById("export"), said = status.querySelector("p")
  const [again, stop] = status.querySelectorAll("button")
  let job = null

  function say(what) {
    const count = job.rows.toLocaleString(document.documentElement.lang)
    said.textContent = status.dataset[what].replace("{count}", count).replace("{file}", job.file)
    status.hidden = false
    again.hidden = what !== "failed"
    stop.hidden = !["fetching", "failed"].includes(what)
  }

  function save({ parts, file, type }) {
    const href = URL.createObjectURL(new Blob(parts, { type }))
    Object.assign(document.createElement("a"), { href, download: file }).click()
    setTimeout(() => URL.revokeObjectURL(href), 60_000)
  }

  // What has come stays in `job`, so that after a lost connection it goes on and does not begin anew.
  async function run() {
    const mine = job
    say("fetching")
    try {
      while (mine.next) {
        const answer = await fetch(mine.next, { headers: { Accept: mine.type }, signal: mine.stopped.signal })
        if (!answer.ok) throw new Error(answer.status)
        const text = await answer.text()
        const lines = text.split("\n").length - 1
        mine.parts.push(mine.names && mine.parts.length ? text.slice(text.indexOf("\n") + 1) : text) // the columns' names once
        mine.rows += mine.names ? lines - 1 : lines
        mine.next = answer.headers.get("Link")?.match(/<(.+)>; rel="next"/)?.[1]
        if (job === mine) say("fetching")
      }
      save(mine)
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
    const names = link.dataset.export.endsWith(".csv") // JSON lines have none at their head
    const type = names ? "text/csv" : "application/jsonl"
    job = { next: link.href, file: link.dataset.export, type, names, parts: [], rows: 0, stopped: new AbortController() }
    run()
  })
  again.addEventListener("click", run)
  stop.addEventListener("click", () => {
    const failed = !again.hidden
    job.stopped.abort()
    if (failed) { say("stopped"); job = null }
  })
})()
