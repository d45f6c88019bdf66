// The page is complete without this script; it adds a theme toggle, filters, sorting and links that copy themselves.
(function () {
  "use strict";
  var root = document.documentElement;

  function dark() {
    return root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  }

  function remember(value) {
    try { localStorage.setItem("triage-lab-theme", value); } catch (error) { return; }
  }

  function recall() {
    try { return localStorage.getItem("triage-lab-theme"); } catch (error) { return null; }
  }

  function theme() {
    var button = document.querySelector("[data-theme-toggle]");
    var stored = recall();
    if (stored === "dark" || stored === "light") root.dataset.theme = stored;
    function label() { button.textContent = dark() ? "Light" : "Dark"; }
    button.hidden = false;
    label();
    button.addEventListener("click", function () {
      root.dataset.theme = dark() ? "light" : "dark";
      remember(root.dataset.theme);
      label();
    });
  }

  function rowsOf(table) {
    return Array.prototype.filter.call(table.tBodies[0].rows, function (row) { return !row.classList.contains("total"); });
  }

  function filter(table) {
    if (rowsOf(table).length < 8) return;
    var box = document.createElement("input");
    box.type = "search";
    box.className = "filter";
    box.placeholder = "Filter rows";
    box.setAttribute("aria-label", "Filter rows of: " + table.caption.textContent);
    var told = document.createElement("span");
    told.className = "told";
    told.setAttribute("role", "status");
    var bar = document.createElement("p");
    bar.className = "filterbar";
    bar.append(box, told);
    (table.closest(".scroll") || table).before(bar);
    box.addEventListener("input", function () {
      var wanted = box.value.toLowerCase();
      var rows = rowsOf(table);
      var shown = 0;
      rows.forEach(function (row) {
        var fits = row.textContent.toLowerCase().indexOf(wanted) >= 0;
        row.hidden = !fits;
        if (fits) shown += 1;
      });
      told.textContent = wanted ? shown + " of " + rows.length + " rows" : "";
    });
  }

  function key(row, column) {
    var cell = row.cells[column];
    var text = (cell.firstChild && cell.classList.contains("num") ? cell.textContent : cell.innerText || cell.textContent).trim();
    var number = parseFloat(text.replace(/[\u25b2\u25bc~,\u202f€$£+ ]/g, "").replace("\u2212", "-"));
    return isNaN(number) ? text.toLowerCase() : number;
  }

  function order(a, b) {
    if (typeof a === typeof b) return a < b ? -1 : a > b ? 1 : 0;
    return typeof a === "number" ? -1 : 1;
  }

  function sort(table) {
    Array.prototype.forEach.call(table.tHead.rows[0].cells, function (head, column) {
      var name = head.textContent.trim();
      if (head.classList.contains("plot") || head.querySelector("svg") || !name || head.querySelector(".sr")) return;
      var button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.append.apply(button, Array.prototype.slice.call(head.childNodes));
      head.append(button);
      button.addEventListener("click", function () {
        var down = head.getAttribute("aria-sort") === "ascending";
        Array.prototype.forEach.call(table.tHead.rows[0].cells, function (other) { other.removeAttribute("aria-sort"); });
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        var last = Array.prototype.filter.call(table.tBodies[0].rows, function (row) { return row.classList.contains("total"); });
        var rows = rowsOf(table).map(function (row, index) { return { row: row, key: key(row, column), index: index }; });
        rows.sort(function (a, b) { return (down ? order(b.key, a.key) : order(a.key, b.key)) || a.index - b.index; });
        rows.forEach(function (item) { table.tBodies[0].append(item.row); });
        last.forEach(function (row) { table.tBodies[0].append(row); });
      });
    });
  }

  function copyLinks() {
    Array.prototype.forEach.call(document.querySelectorAll("a.here"), function (link) {
      link.addEventListener("click", function () {
        if (!navigator.clipboard) return;
        navigator.clipboard.writeText(link.href).then(function () {
          link.textContent = "link copied";
          setTimeout(function () { link.textContent = "#"; }, 1500);
        }, function () { link.textContent = "#"; });
      });
    });
  }

  function openTarget() {
    var target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (var box = target; box; box = box.parentElement) if (box.tagName === "DETAILS") box.open = true;
  }

  theme();
  Array.prototype.forEach.call(document.querySelectorAll("table[data-filter]"), filter);
  Array.prototype.forEach.call(document.querySelectorAll("table[data-sortable]"), sort);
  copyLinks();
  openTarget();
  addEventListener("hashchange", openTarget);
  root.dataset.script = "ready";
})();
