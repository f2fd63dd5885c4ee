package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/lookup"
	"github.com/imapvigil/imapvigil/config/moment"
	"github.com/imapvigil/imapvigil/daemon/api"
)

// whoOptions are the flags of who.
type whoOptions struct {
	at, severity, condition string
	files                   bool // --config was given: those files are asked about
}

func (p *program) whoCommand() *cobra.Command {
	var o whoOptions
	c := &cobra.Command{
		Use:   "who CHECK...",
		Short: "Show who would be notified if a check failed, how and when",
		Long: "Show who would be notified if CHECK failed now, or at a time, and stayed so:\n" +
			"each message with its time, and who would not be notified and why. The daemon\n" +
			"is asked, which knows silences and what is down. Where none answers, or with\n" +
			"--config, the files are read instead. Nothing is sent.",
		Example: examples(
			"Now", "imapvigil who mx1/imaps",
			"At night", "imapvigil who mx1/imaps --at 03:00",
			"What only degrades it, such as a certificate that ends soon", "imapvigil who mx1/imaps --severity degraded",
			"By files that are not installed yet", "imapvigil who mx1/imaps --at \"monday 08:00\" --config ./new",
		),
		GroupID:     groupLook,
		Annotations: exitCodes("somebody would be notified", "nobody would be", "", "there is no such check, or the files are in error"),
		Args:        takes(1, anyNumber, "a check, or a server or group with checks"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.files = cmd.Flags().Changed(configFlag) && !cmd.Flags().Changed(controlFlag)
			return p.who(cmd, o, args)
		},
	}
	c.Flags().StringVar(&o.at, "at", "", "when it begins to fail (default: now): "+moment.Forms)
	c.Flags().StringVar(&o.severity, "severity", "", "down or degraded (default: that of the condition)")
	c.Flags().StringVar(&o.condition, "condition", "", "what fails: service, certificate, latency, ... (default: by severity, service or certificate)")
	p.placeFlags(c, configFlag, controlFlag)
	p.jsonFlag(c)
	p.utcFlag(c)
	return c
}

// forecasts is what `who --json` prints.
type forecasts struct {
	Forecasts []api.Forecast `json:"forecasts"`
}

// A foreteller answers who would be notified: the daemon, or the files.
type foreteller struct {
	directory *lookup.Directory
	ask       func(api.Question) (api.Forecast, error)
	paused    func(config.CheckID) bool
	without   string // why the daemon was not asked; empty: it was
}

func (p *program) who(cmd *cobra.Command, o whoOptions, names []string) error {
	question, note, err := p.whoQuestion(o)
	if err != nil {
		return err
	}
	f, err := p.foreteller(cmd, o)
	if err != nil {
		return err
	}
	ids, err := f.directory.Checks(names...)
	if err != nil {
		return err
	}
	all := forecasts{Forecasts: []api.Forecast{}}
	code := 1
	for _, id := range ids {
		question.Check = id
		answer, err := f.ask(question)
		if err != nil {
			return err
		}
		if f.paused(id) { // it is not probed, so nothing is found
			answer.Notified, answer.Held = []api.ForecastMessage{}, []api.Held{}
		}
		if len(answer.Notified) > 0 {
			code = 0
		}
		all.Forecasts = append(all.Forecasts, answer)
	}
	if p.json {
		if err := p.printJSON(all); err != nil {
			return err
		}
		return exit(code)
	}
	p.printNote(note)
	for i := range all.Forecasts {
		if i > 0 {
			p.printf("\n")
		}
		p.printForecast(&all.Forecasts[i], f.paused(all.Forecasts[i].Check))
	}
	if f.without != "" {
		p.printf("\n%s\n", p.fold("", f.without+" Silences, and what is down now, are not known."))
	}
	return exit(code)
}

// whoQuestion returns what the flags ask.
func (p *program) whoQuestion(o whoOptions) (q api.Question, note moment.Moment, err error) {
	if o.at != "" {
		if note, err = p.parseTime("--at", o.at, moment.At); err != nil {
			return q, note, err
		}
		q.Begins = note.At
	} else {
		q.Begins = time.Now()
	}
	q.Severity, q.Condition = config.Severity(o.severity), config.Condition(o.condition)
	conditions := slices.Collect(config.AllConditions().All())
	// The monitor's own trouble is of no check.
	conditions = slices.DeleteFunc(conditions, func(c config.Condition) bool { return c == config.ConditionMonitor })
	switch {
	case o.severity != "" && q.Severity != config.SeverityDown && q.Severity != config.SeverityDegraded:
		return q, note, fmt.Errorf("--severity must be down or degraded, not %q", o.severity)
	case o.condition != "" && !slices.Contains(conditions, q.Condition):
		var words []string
		for _, c := range conditions {
			words = append(words, string(c))
		}
		return q, note, fmt.Errorf("--condition must be one of %s, not %q", strings.Join(words, ", "), o.condition)
	case o.condition == "" && q.Severity == config.SeverityDegraded:
		q.Condition = config.ConditionCertificate
	case o.condition == "":
		q.Condition = config.ConditionService
	}
	q.Severity = cmp.Or(q.Severity, q.Condition.Severity())
	return q, note, nil
}

// foreteller returns the daemon, or the files where none answers or files were named.
func (p *program) foreteller(cmd *cobra.Command, o whoOptions) (foreteller, error) {
	if o.files {
		return p.filesForetell("By the files in " + p.configPath + " alone.")
	}
	f, err := p.daemonForetells(cmd.Context(), p.client(cmd))
	if errors.Is(err, api.ErrNoDaemon) {
		return p.filesForetell("No daemon answers, so this is by the files in " + p.configPath + " alone.")
	}
	return f, err
}

func (p *program) daemonForetells(ctx context.Context, client *api.Client) (foreteller, error) {
	status, err := client.Status(ctx)
	if err != nil {
		return foreteller{}, err
	}
	paused := map[config.CheckID]bool{}
	for i := range status.Checks {
		paused[status.Checks[i].ID] = status.Checks[i].State == "paused"
	}
	return foreteller{
		directory: directoryOf(status.Checks),
		ask:       func(q api.Question) (api.Forecast, error) { return client.Foresee(ctx, q) },
		paused:    func(id config.CheckID) bool { return paused[id] },
	}, nil
}

func (p *program) filesForetell(why string) (foreteller, error) {
	cfg, err := p.loadReadable(3)
	if err != nil {
		return foreteller{}, err
	}
	return foreteller{
		directory: lookup.Of(cfg), without: why,
		ask:    func(q api.Question) (api.Forecast, error) { return api.ForecastOf(cfg, q) },
		paused: func(id config.CheckID) bool { return !cfg.Checks[id].Enabled },
	}, nil
}

func (p *program) printForecast(f *api.Forecast, paused bool) {
	if paused {
		p.printf("%s\n", p.fold("", fmt.Sprintf("%s is paused (enabled = false): it is not probed, and nobody is notified.", f.Check)))
		return
	}
	how := "goes down"
	if f.Severity == config.SeverityDegraded {
		how = fmt.Sprintf("is degraded (condition %s)", f.Condition)
	}
	reported := "it is reported at once"
	if !f.ReportedAt.Equal(f.FailsAt) {
		tolerance := config.FormatDuration(f.ReportedAt.Sub(f.FailsAt))
		reported = fmt.Sprintf("it is reported at %s (fault_tolerance %s)", p.timeBeside(f.ReportedAt, f.FailsAt), tolerance)
	}
	if len(f.Notified) == 0 {
		p.printf("%s\n", p.fold("", fmt.Sprintf("If %s %s at %s, nobody is notified.", f.Check, how, p.formatMinute(f.FailsAt))))
	} else {
		p.printf("%s\n\n", p.fold("", fmt.Sprintf("If %s %s at %s and stays so, %s:", f.Check, how, p.formatMinute(f.FailsAt), reported)))
	}
	p.printMessages(f)
	if len(f.Held) > 0 {
		p.printf("\nNot notified:\n\n")
	}
	for i := range f.Held {
		h := &f.Held[i]
		if h.Notifier != "" {
			p.printf("%s\n", p.destinationLine("  ", roleWords(h.Roles), h.Notifier, h.Kind, h.Target))
		}
		until := ""
		if h.Until != nil {
			until = " until " + p.formatMinute(*h.Until)
		}
		p.printf("%s\n", p.fold("      ", h.Detail+until))
	}
}

// printMessages prints the messages in the order of time.
func (p *program) printMessages(f *api.Forecast) {
	times, width := []string{}, 0
	for i := range f.Notified {
		text := p.timeBeside(f.Notified[i].At, f.ReportedAt)
		times, width = append(times, text), max(width, len(text))
	}
	for i := range f.Notified {
		m := &f.Notified[i]
		first := "  " + times[i] + spaces(width-len(times[i])+2)
		p.printf("%s\n", p.destinationLine(first, roleWords(m.Roles), m.Notifier, m.Kind, m.Target))
		if why := whyThen(m); why != "" {
			p.printf("%s\n", p.fold(spaces(len(first)), why))
		}
	}
	if len(f.Notified) == 0 {
		return
	}
	text := "People get what happens within 10 seconds in one message."
	if f.Remind != "0s" {
		text += " It is repeated every " + f.Remind + " until somebody acknowledges the incident or it is over."
	}
	p.printf("\n%s\n", p.fold("", text))
}

// timeBeside returns a time: of the day of another one only the hour.
func (p *program) timeBeside(t, of time.Time) string {
	t, of = t.In(p.zone()), of.In(p.zone())
	if t.YearDay() == of.YearDay() && t.Year() == of.Year() {
		return t.Format("15:04:05")
	}
	return t.Format("2006-01-02 15:04:05")
}

// whyThen says why a message is sent when it is, if it is not sent at once.
func whyThen(m *api.ForecastMessage) string {
	switch m.Waited {
	case "":
		return ""
	case "after":
		return "escalation (after), unless it is acknowledged or over by then"
	case "schedule":
		return "waits for schedule " + m.Name + ", unless it is over by then"
	case "maintenance":
		return "waits for the end of maintenance " + m.Name + ", unless it is over by then"
	case "silenced":
		return "waits for the end of silence " + m.Name + ", unless it is over by then"
	}
	return "waited: " + m.Detail
}

// destinationLine returns who is notified and how, after something that stands first.
func (p *program) destinationLine(first, roles, notifier, kind, target string) string {
	text := fmt.Sprintf("%s by %s", roles, notifier)
	if masked := maskTarget(kind, target); masked != "" {
		text += " " + masked
	}
	return foldHangingTo(p.screenOf(p.out).width, first, spaces(config.Columns(first)), text)
}

func roleWords(roles []config.RoleID) string {
	var words []string
	for _, r := range roles {
		words = append(words, string(r))
	}
	return strings.Join(words, ", ")
}

// maskTarget returns an address so that those who know it recognise it, since what is
// shown may be looked at by others; "" for one that is all secret.
func maskTarget(kind, target string) string {
	if to, cc, ok := strings.Cut(target, " cc "); ok && kind == "email" {
		return maskTarget(kind, to) + " cc " + maskTarget(kind, cc)
	}
	var masked []string
	for part := range strings.SplitSeq(target, ",") {
		part = strings.TrimSpace(part)
		switch {
		case part == "" || kind == "webhook":
		case kind == "email":
			masked = append(masked, maskEmail(part))
		case kind == "sms":
			masked = append(masked, maskNumber(part))
		default: // a channel is no person's
			masked = append(masked, part)
		}
	}
	return strings.Join(masked, ", ")
}

func maskEmail(address string) string {
	if parsed, err := mail.ParseAddress(address); err == nil {
		address = parsed.Address
	}
	local, domain, ok := strings.Cut(address, "@")
	runes := []rune(local)
	if !ok || len(runes) == 0 {
		return "..."
	}
	return string(runes[:1]) + "...@" + domain
}

func maskNumber(number string) string {
	const shown = 4
	if len(number) <= 2*shown {
		return "..."
	}
	return number[:3] + "..." + number[len(number)-shown:]
}
