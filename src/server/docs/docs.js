// Adds what a page without a script can't: code that is copied by a press, and a mark at the chapter in view.
for (const figure of document.querySelectorAll('figure.code')) {
  const button = document.createElement('button')
  button.type = 'button'
  button.textContent = 'Copy'
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(figure.querySelector('code').textContent)
    button.textContent = 'Copied'
    setTimeout(() => {
      button.textContent = 'Copy'
    }, 1500)
  })
  // The clipboard exists only where the page came by https or from this machine.
  if (navigator.clipboard) figure.querySelector('figcaption').append(button)
}

const places = [...document.querySelectorAll('aside .contents a')].map((link) => ({
  link,
  target: document.getElementById(link.hash.slice(1)),
}))
let current
function markPlace() {
  waiting = false
  const place = places.findLast(({ target }) => target.getBoundingClientRect().top < 120) ?? places[0]
  if (place === current) return
  current?.link.removeAttribute('aria-current')
  place.link.setAttribute('aria-current', 'location')
  showLink(place.link)
  current = place
}
// Not scrollIntoView: the first press of Tab would go on from the link, past the one that skips the navigation.
function showLink(link) {
  const frame = link.closest('aside')
  const { top, bottom } = link.getBoundingClientRect()
  const edges = frame.getBoundingClientRect()
  if (top < edges.top) frame.scrollTop -= edges.top - top + 16
  else if (bottom > edges.bottom) frame.scrollTop += bottom - edges.bottom + 16
}

let waiting = false
addEventListener('scroll', () => {
  if (!waiting) requestAnimationFrame(markPlace)
  waiting = true
})
markPlace()

const menu = document.querySelector('details.menu')
menu.addEventListener('click', (event) => {
  if (event.target.closest('a')) menu.open = false
})
