# The front door. Each target installs what it lacks (Debian 12 or 13, through sudo where not root); tools/deps has the
# one list of packages. The builds themselves are meson's; one directory each: build-release, build-debug ...

PREFIX  ?= /usr/local
DESTDIR ?=
CONFIG  ?= examples/quickstart.yaml
PYTHON  ?= /usr/bin/python3
FUZZ_SECONDS ?= 60
BENCH   ?= forward socks5 ss-aes ss-chacha
ROUNDS  ?= 3

release = build-release
weir    = $(release)/src/main/weir
to      = $(DESTDIR)$(PREFIX)

.PHONY: run build test soak bench fuzz lint reference install uninstall clean help
.DEFAULT_GOAL := help

help: ## these lines
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18
	@echo
	@echo "  make run CONFIG=FILE     another configuration"
	@echo "  make test ONLY=e2e       one part: lint gcc clang asan tsan e2e e2e-asan"
	@echo "  make soak                the long versions of the end-to-end tests"

run: build ## build, then serve: a mixed proxy on 127.0.0.1:7890 (examples/quickstart.yaml)
	@exec $(weir) run --status -c $(CONFIG)

build: ## the release build: build-release/src/main/weir
	@tools/deps build
	@tools/build release src/main/weir

test: ## everything that can be checked; the last line is "N passed, N failed, N skipped"
	@tools/deps build clang unit e2e peers
	@$(PYTHON) tools/test $(ONLY)

soak: ## the long end-to-end tests: 100 MB a method, many connections
	@tools/deps build unit e2e peers
	@WEIR_SOAK=1 $(PYTHON) tools/test e2e

bench: build ## figures of weir and of the peers that are installed, side by side (as root)
	@tools/deps build bench
	@$(PYTHON) bench/bench.py run $(BENCH) -r $(ROUNDS) --weir $(CURDIR)/$(weir)

fuzz: ## each fuzz target for a minute (FUZZ_SECONDS)
	@tools/deps build clang unit
	@$(PYTHON) tools/fuzz $(FUZZ_SECONDS)

lint: ## the gates that a compiler does not keep: floors, ownership, words, pages
	@tools/deps build
	@$(PYTHON) tools/lint

reference: build ## docs/reference/*.md from the option tables
	@$(PYTHON) tools/reference $(weir)

install: build ## binary, man page, systemd unit, completions; DESTDIR and PREFIX are honoured
	install -Dm755 $(weir) $(to)/bin/weir
	install -Dm644 packaging/weir.1 $(to)/share/man/man1/weir.1
	install -d $(to)/lib/systemd/system
	sed 's,@PREFIX@,$(PREFIX),g' packaging/weir.service >$(to)/lib/systemd/system/weir.service
	install -Dm644 packaging/weir.sysusers $(to)/lib/sysusers.d/weir.conf
	install -d $(to)/share/bash-completion/completions $(to)/share/zsh/site-functions $(to)/share/fish/vendor_completions.d
	$(weir) completion bash >$(to)/share/bash-completion/completions/weir
	$(weir) completion zsh >$(to)/share/zsh/site-functions/_weir
	$(weir) completion fish >$(to)/share/fish/vendor_completions.d/weir.fish

uninstall: ## takes away what install put there
	rm -f $(to)/bin/weir $(to)/share/man/man1/weir.1 $(to)/lib/systemd/system/weir.service $(to)/lib/sysusers.d/weir.conf
	rm -f $(to)/share/bash-completion/completions/weir $(to)/share/zsh/site-functions/_weir
	rm -f $(to)/share/fish/vendor_completions.d/weir.fish

clean: ## removes the builds
	rm -rf build-release build-debug build-clang build-asan build-tsan build-fuzz
