package session

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fob/internal/authserver"
)

// TestPowerLossAtEveryStep ends a refresh at each step that a rotation passes, and makes of the journal and of the record what a power
// loss may make of them there. The server forgives what came within the hour: what is lost with an answer only it can give again.
func TestPowerLossAtEveryStep(t *testing.T) {
	for _, step := range Steps {
		if strings.HasPrefix(step, "keychain/") {
			continue // package keychain's own TestPowerLossAtEveryStep
		}
		for _, file := range []string{"journal/slot-0", "record"} {
			for _, damage := range damages {
				t.Run(step+"/"+filepath.Base(file)+"/"+damage.name, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						r := newRig(t, authserver.Options{AccessTokenTTL: 10 * time.Minute, RotationGrace: time.Hour})
						r.login("work")
						r.killAt(step, func() { _, _ = r.engine.Refresh(t.Context(), "work") })
						path := filepath.Join(r.dir, file)
						if file == "record" {
							path = recordDir(filepath.Join(r.dir, "logins")).path("work")
						}
						text, err := os.ReadFile(path)
						if err != nil {
							t.Fatal(err)
						}
						if err := damage.do(path, text); err != nil {
							t.Fatal(err)
						}
						r.abandon()
						go r.engine.Run(t.Context())
						for _, later := range []time.Duration{5 * time.Second, 30 * time.Minute} {
							time.Sleep(later)
							if s := r.status("work"); s.State != LoggedIn || s.ExpiresAt == nil || !s.Refreshable {
								t.Errorf("%s later: %s, %+v", later, s.State, s.Problem)
							}
							if !r.works(r.token("work").AccessToken) {
								t.Errorf("%s later the token does not work", later)
							}
						}
						if stats := r.server.Stats(); stats.FamiliesRevoked != 0 || stats.Logins != 1 {
							t.Errorf("%d families revoked, %d logins", stats.FamiliesRevoked, stats.Logins)
						}
						r.engine.Close()
						if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
							t.Errorf("%s was not made again", file)
						}
					})
				})
			}
		}
	}
}
