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

const links = new Map()
for (const link of document.querySelectorAll('aside nav a')) links.set(link.hash.slice(1), link)
const observer = new IntersectionObserver(
  (entries) => {
    const entry = entries.find(({ isIntersecting }) => isIntersecting)
    const link = entry && links.get(entry.target.id)
    if (!link) return
    for (const other of links.values()) other.removeAttribute('aria-current')
    link.setAttribute('aria-current', 'location')
    link.scrollIntoView({ block: 'nearest' })
  },
  { rootMargin: '-80px 0px -70% 0px' },
)
for (const id of links.keys()) {
  const target = document.getElementById(id)
  if (target) observer.observe(target)
}

const menu = document.querySelector('details.menu')
menu.addEventListener('click', (event) => {
  if (event.target.closest('a')) menu.open = false
})
