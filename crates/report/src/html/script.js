for (const filter of document.querySelectorAll('.filter')) {
  const rows = [...filter.nextElementSibling.tBodies[0].rows];
  const [text, outcome, count] = ['input', 'select', 'output'].map(name => filter.querySelector(name));
  const apply = () => {
    const words = text.value.toLowerCase();
    let shown = 0;
    for (const row of rows) {
      row.hidden = Boolean((outcome.value ? outcome.value !== row.dataset.o : false) || !row.textContent.toLowerCase().includes(words));
      shown += row.hidden ? 0 : 1;
    }
    count.value = shown + ' / ' + rows.length;
  };
  text.addEventListener('input', apply);
  outcome.addEventListener('input', apply);
  filter.hidden = false;
  apply();
}
